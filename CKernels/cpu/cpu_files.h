// Reading what the system tells in small files. Private to this folder.
#ifndef CK_CPU_FILES_H
#define CK_CPU_FILES_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The first line of a file, without its end.
static inline bool read_line(const char *path, char *line, int size) {
    FILE *file = fopen(path, "r");
    if (!file) return false;
    const bool read = fgets(line, size, file) != NULL;
    fclose(file);
    if (read) line[strcspn(line, "\n")] = 0;
    return read;
}

// The next range of a list of processors such as "0,2-5", of which the rest is kept in `list`. False at its end.
static inline bool next_processors(const char **list, long *first, long *last) {
    char *end;
    *first = *last = strtol(*list, &end, 10);
    if (end == *list) return false;
    if (*end == '-') *last = strtol(end + 1, &end, 10);
    *list = *end == ',' ? end + 1 : end;
    return true;
}

#endif
