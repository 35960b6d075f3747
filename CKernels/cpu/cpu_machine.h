// The table of machines, for cpu_machine.c. Private to this folder.
#ifndef CK_CPU_MACHINE_H
#define CK_CPU_MACHINE_H

#include "ck_machine.h"

// Processors that a row is for: a vendor, a family and models from first to last; without a vendor, a part number of
// arm64.
typedef struct machine_identity {
    const char *vendor;
    int32_t family, first, last;
} machine_identity;

enum { MACHINE_IDENTITIES = 6 };

typedef struct machine_row {
    ck_machine machine; // limits of 0 are derived
    machine_identity is[MACHINE_IDENTITIES];
} machine_row;

// The last row is for every other processor.
extern const machine_row machine_rows[];
extern const int32_t machine_row_count;

#endif
