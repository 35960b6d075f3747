// Finding the row in use in a catalogue whose rows begin with a name and an instruction set. Private to CKernels.
#ifndef CK_CATALOGUE_H
#define CK_CATALOGUE_H

#include "ck_cpu.h"

typedef struct catalogue_row {
    const char *name;
    ck_isa isa;
} catalogue_row;

// The first row for ck_isa_selected(). There is one: available instruction sets are those that every catalogue was
// built for.
static inline const void *row_in_use(const void *const *rows) {
    const ck_isa isa = ck_isa_selected();
    while (((const catalogue_row *)*rows)->isa != isa) rows++;
    return *rows;
}

#endif
