// What this machine is: caches, lines, pages, what its cores multiply and what their shared cache delivers. All that
// is decided by the machine is decided from this description, which is plain data: a test can make one up, and
// LANES_MACHINE=NAME takes a row of the table.
//
// Where it comes from, in this order: the processor (CPUID on x86-64) or the system (sysfs: arm64, hybrid processors,
// and where CPUID is silent), if what they say is possible; the table row of the processor's family and model;
// documented defaults. Caches, pages and the core say which it was.
#ifndef CK_MACHINE_H
#define CK_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum ck_source {
    CK_SOURCE_ASSUMED, // a documented default: nobody said
    CK_SOURCE_TABLE, // the row of this processor
    CK_SOURCE_CPUID,
    CK_SOURCE_SYSTEM, // sysfs, sysconf
} ck_source;

// A data or unified cache. 0 bytes: there is none.
typedef struct ck_cache {
    int64_t bytes;
    int32_t ways, line; // line in bytes
    int32_t processors; // hardware threads that share it; 0 where nobody said
    int32_t way; // bytes / ways, down to a power of two: addresses that far apart share a set; derived
    ck_source source;
} ck_cache;

// Sizes and distances of matrix products that follow the machine. In a table row 0 stands for "derive it";
// ck_gemm_plan.h says how.
typedef struct ck_gemm_limits {
    int64_t a_block; // bytes of op(A) in a block of rows
    int64_t a_unblocked; // op(A) of a chunk is cut in blocks where it has more bytes than this
    int64_t a_packed; // a transposed A is packed where a chunk of it has more bytes than this
    int64_t a_packed_panels; // and at least so many panels of B read it
    int64_t b_block; // bytes of op(B) in a block of columns
    int64_t b_near; // an op(B) of at most this is in L2: nothing is fetched ahead
    // An op(B) whose rows cross cache lines is packed where a chunk has more bytes and many row groups read it.
    int64_t b_split;
    int64_t b_packed; // op(B) is packed where a chunk of it has more bytes than this and many row groups read it
    int64_t b_far; // an op(B) of more than this comes from memory
    int64_t c_far; // a C of more than this is fetched for writing before it is written
    int64_t packing_distance; // a tile that packs fetches its row of B so many steps of k ahead
    // Few rows of A: the first row group fetches the panel's own rows so many steps ahead; -1: never.
    int64_t row_distance;
    int64_t dot_lag; // bytes of k between the two vectors of a dot tile whose rows share sets of L1
    int64_t dot_ahead; // a dot tile asks for a B that comes from memory so many bytes of k ahead; -1: never
} ck_gemm_limits;

typedef struct ck_machine {
    char name[24]; // of the table row: what LANES_MACHINE takes
    char measured[96]; // what the row rests on
    ck_cache l1, l2, l3;
    int64_t page, huge_page; // bytes
    int32_t tlb_entries; // pages that the TLBs cover
    int32_t fma_bytes; // bytes of results of multiply-adds in a cycle: 128 are two vectors of 512 bits
    double l3_bytes_per_cycle; // what one core reads from the shared cache
    ck_source page_source, core_source; // of the last four
    ck_gemm_limits gemm; // none is 0 in a description that was completed
    bool forced; // by LANES_MACHINE
    char note[200]; // what was told and could not be believed; empty where there was nothing
} ck_machine;

// This machine, described once, at the first call. An unknown LANES_MACHINE prints the list and ends the process with
// status 2.
const ck_machine *ck_machine_current(void);

// Rows of the table, completed as LANES_MACHINE would take them; count is written.
const ck_machine *ck_machine_table(int32_t *count);

// The row of that name, or NULL and a message that lists all.
const ck_machine *ck_machine_named(const char *name, char *message, int64_t message_size);

// What a processor says of itself, as a test can make it up: caches of 0 bytes where it says nothing.
typedef struct ck_machine_told {
    char vendor[13]; // GenuineIntel, AuthenticAMD; empty on other architectures
    int32_t family, model; // as displayed: extended numbers added
    int32_t part; // arm64: implementer << 12 | part number of MIDR_EL1
    ck_cache l1, l2, l3;
    int64_t page, huge_page;
} ck_machine_told;

// The description that follows from what was told. Pure. Caches that cannot be (no multiple of ways times line, a
// level smaller than the one above, sizes beyond reason) are replaced by the row's, or by defaults, and the note says
// so.
ck_machine ck_machine_from(const ck_machine_told *told);

// Fills in what is 0 in the limits, from caches, pages and speeds. Pure.
void ck_machine_complete(ck_machine *machine);

// What the processor of the calling thread and the system say; caches of processors that differ (hybrid chips) are the
// smallest of those in the affinity mask. `root` stands before /proc and /sys: "" for this system.
ck_machine_told ck_machine_ask(const char *root);

const char *ck_source_name(ck_source source);

#ifdef __cplusplus
}
#endif
#endif
