// Preloaded: one allocation fails, counted from one checkpoint's rename to the next, which is a step, a check and a
// write of `train --every 1`.
//
// FAILS_AFTER_RENAME: the number of renames before counting begins; FAILS_AT: which allocation fails, -1 for none, -2
// to end there at once; ALLOCATIONS: a file that gets how many there were, and whether the chosen one was reached.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t),
    *__libc_memalign(size_t, size_t);

static atomic_long count, renames, first = -1, at = -1;
static int report = -1;

static bool fails(void) {
    if (atomic_load(&renames) != atomic_load(&first)) return false;
    if (atomic_fetch_add(&count, 1) != atomic_load(&at)) return false;
    if (write(report, "failed\n", 7) != 7) _exit(99);
    return true;
}

__attribute__((constructor)) static void begin(void) {
    report = open(getenv("ALLOCATIONS"), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
    atomic_store(&at, atol(getenv("FAILS_AT")));
    atomic_store(&first, atol(getenv("FAILS_AFTER_RENAME")));
}

int rename(const char *from, const char *to) {
    int (*const next)(const char *, const char *) = (int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename");
    const int status = next(from, to);
    const bool was_counted = atomic_fetch_add(&renames, 1) == atomic_load(&first);
    if (was_counted) dprintf(report, "%ld\n", atomic_load(&count));
    if (atomic_load(&at) == -2 && atomic_load(&renames) == atomic_load(&first)) _exit(0);
    return status;
}

void *malloc(size_t size) { return fails() ? errno = ENOMEM, NULL : __libc_malloc(size); }
void *calloc(size_t number, size_t size) { return fails() ? errno = ENOMEM, NULL : __libc_calloc(number, size); }
void *realloc(void *memory, size_t size) { return fails() ? errno = ENOMEM, NULL : __libc_realloc(memory, size); }
void *aligned_alloc(size_t unit, size_t size) { return fails() ? errno = ENOMEM, NULL : __libc_memalign(unit, size); }
int posix_memalign(void **memory, size_t unit, size_t size) {
    if (fails()) return ENOMEM;
    *memory = __libc_memalign(unit, size);
    return *memory ? 0 : ENOMEM;
}
