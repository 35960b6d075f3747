// The machines that are known: one row each. Caches and speeds are what their makers document; they serve where a
// processor says nothing and for LANES_MACHINE. What was measured, on which machine, stands beside the number;
// l3_bytes_per_cycle without a figure beside it is assumed, and a limit that is not there is derived.
#include "cpu_machine.h"

#define KIB << 10
#define MIB << 20
#define CACHE(size, number_of_ways) \
    {.bytes = (int64_t)size, .ways = number_of_ways, .line = 64, .source = CK_SOURCE_TABLE}
#define INTEL(first, last) {"GenuineIntel", 6, first, last}
#define AMD(family, first, last) {"AuthenticAMD", family, first, last}
#define ARM(part) {"", 0, part, part}

// clang-format off: a row to each machine, by hand
const machine_row machine_rows[] = {
    // Two 512-bit multiply-adds a cycle. A core reads 8 MiB from its L3 at 108 GB/s, 27 bytes a cycle.
    {.machine = {.name = "zen5", .measured = "a guest of two processors, family 26 model 2",
                 .l1 = CACHE(48 KIB, 12), .l2 = CACHE(1 MIB, 16), .l3 = CACHE(32 MIB, 16),
                 .tlb_entries = 4096, .fma_bytes = 128, .l3_bytes_per_cycle = 27,
                 .gemm = {
                     .packing_distance = 48, // 1024^3: +4 to 7% over no prefetch
                     .dot_lag = 256,         // NT 1 x 1024^2 +30%
                 }},
     .is = {AMD(26, 0, 255)}},
    // 512-bit operations in halves: one multiply-add a cycle of either width.
    {.machine = {.name = "zen4", .measured = "a guest of two processors, an earlier version of this program",
                 .l1 = CACHE(32 KIB, 8), .l2 = CACHE(1 MIB, 8), .l3 = CACHE(32 MIB, 16),
                 .tlb_entries = 3072, .fma_bytes = 64, .l3_bytes_per_cycle = 24},
     .is = {AMD(25, 0x10, 0x1f), AMD(25, 0x60, 0xaf)}},
    // In-process pairs there (AVX2, f32): B packed from 24 KiB on: 192^3 +15%, 384^3 +13%, 128^3 +9%, 784 x 128 x 64
    // TN +11%, 256 x 784 x 128 -4%; 15 shapes +3 to 4%.
    {.machine = {.name = "zen3", .measured = "a guest of two processors, family 25 model 1",
                 .l1 = CACHE(32 KIB, 8), .l2 = CACHE(512 KIB, 8), .l3 = CACHE(32 MIB, 16),
                 .tlb_entries = 2048, .fma_bytes = 64, .l3_bytes_per_cycle = 24, .gemm = {.b_packed = 24 KIB}},
     .is = {AMD(25, 0, 0x0f), AMD(25, 0x20, 0x5f)}},
    {.machine = {.name = "zen2", .measured = "described, not measured",
                 .l1 = CACHE(32 KIB, 8), .l2 = CACHE(512 KIB, 8), .l3 = CACHE(16 MIB, 16),
                 .tlb_entries = 2048, .fma_bytes = 64, .l3_bytes_per_cycle = 20},
     .is = {AMD(23, 0, 255)}},
    // A core reads 16 GB/s from L3 at 2.74 GHz (guest of two processors, family 6 model 207). There, in-process pairs
    // against the limits of zen5: blocks of A of 512 KiB and of B of 16 MiB, A unblocked up to 1 MiB: 1333^3 +4%,
    // 900^3 +1%; B packed from 3 MiB on: 1344^3 +7%, 704^3 TN +25% with A packed; the panel's own rows fetched 12
    // steps ahead: 16 x 1000 x 512 +16%, 16 x 1024^2 +20%, 32 x 1000 x 512 +3%.
    {.machine = {.name = "golden-cove",
                 .measured = "a guest of two processors, family 6 model 207, an earlier version of this program",
                 .l1 = CACHE(48 KIB, 12), .l2 = CACHE(2 MIB, 16), .l3 = CACHE(260 MIB, 20),
                 .tlb_entries = 2048, .fma_bytes = 128, .l3_bytes_per_cycle = 5.8},
     .is = {INTEL(0x8f, 0x8f), INTEL(0xcf, 0xcf)}},
    {.machine = {.name = "golden-cove-client", .measured = "described, not measured",
                 .l1 = CACHE(48 KIB, 12), .l2 = CACHE(1280 KIB, 10), .l3 = CACHE(30 MIB, 12),
                 .tlb_entries = 2048, .fma_bytes = 64, .l3_bytes_per_cycle = 14},
     .is = {INTEL(0x97, 0x97), INTEL(0x9a, 0x9a), INTEL(0xb7, 0xb7), INTEL(0xba, 0xba), INTEL(0xbf, 0xbf)}},
    {.machine = {.name = "ice-lake-sp", .measured = "described, not measured",
                 .l1 = CACHE(48 KIB, 12), .l2 = CACHE(1280 KIB, 20), .l3 = CACHE(48 MIB, 12),
                 .tlb_entries = 2048, .fma_bytes = 128, .l3_bytes_per_cycle = 7},
     .is = {INTEL(0x6a, 0x6a), INTEL(0x6c, 0x6c)}},
    {.machine = {.name = "skylake-sp", .measured = "described, not measured",
                 .l1 = CACHE(32 KIB, 8), .l2 = CACHE(1 MIB, 16), .l3 = CACHE(22528 KIB, 11),
                 .tlb_entries = 1536, .fma_bytes = 128, .l3_bytes_per_cycle = 7},
     .is = {INTEL(0x55, 0x55)}},
    {.machine = {.name = "skylake", .measured = "described, not measured",
                 .l1 = CACHE(32 KIB, 8), .l2 = CACHE(256 KIB, 4), .l3 = CACHE(8 MIB, 16),
                 .tlb_entries = 1536, .fma_bytes = 64, .l3_bytes_per_cycle = 14},
     .is = {INTEL(0x4e, 0x4e), INTEL(0x5e, 0x5e), INTEL(0x8e, 0x8e), INTEL(0x9e, 0x9e), INTEL(0xa5, 0xa6)}},
    {.machine = {.name = "haswell", .measured = "described, not measured",
                 .l1 = CACHE(32 KIB, 8), .l2 = CACHE(256 KIB, 8), .l3 = CACHE(8 MIB, 16),
                 .tlb_entries = 1024, .fma_bytes = 64, .l3_bytes_per_cycle = 14},
     .is = {INTEL(0x3c, 0x3d), INTEL(0x3f, 0x3f), INTEL(0x45, 0x47), INTEL(0x4f, 0x4f), INTEL(0x56, 0x56)}},
    {.machine = {.name = "neoverse-n1", .measured = "described, not measured",
                 .l1 = CACHE(64 KIB, 4), .l2 = CACHE(1 MIB, 8), .l3 = CACHE(32 MIB, 16),
                 .tlb_entries = 1280, .fma_bytes = 32, .l3_bytes_per_cycle = 12},
     .is = {ARM(0x41d0c)}},
    {.machine = {.name = "neoverse-v1", .measured = "described, not measured",
                 .l1 = CACHE(64 KIB, 4), .l2 = CACHE(1 MIB, 8), .l3 = CACHE(32 MIB, 16),
                 .tlb_entries = 2048, .fma_bytes = 64, .l3_bytes_per_cycle = 12},
     .is = {ARM(0x41d40)}},
    {.machine = {.name = "neoverse-v2", .measured = "described, not measured",
                 .l1 = CACHE(64 KIB, 4), .l2 = CACHE(2 MIB, 8), .l3 = CACHE(36 MIB, 12),
                 .tlb_entries = 2048, .fma_bytes = 64, .l3_bytes_per_cycle = 12},
     .is = {ARM(0x41d4f)}},
    // Lines of 128 bytes, pages of 16 KiB, no L3.
    {.machine = {.name = "apple-m1", .measured = "described, not measured",
                 .l1 = {.bytes = 128 KIB, .ways = 8, .line = 128, .source = CK_SOURCE_TABLE},
                 .l2 = {.bytes = 12 MIB, .ways = 12, .line = 128, .source = CK_SOURCE_TABLE},
                 .page = 16 KIB, .tlb_entries = 3072, .fma_bytes = 64},
     .is = {ARM(0x61023), ARM(0x61025), ARM(0x61029)}},
    // Made up, for tests: limits so small that products of a few tiles cross every one of them.
    {.machine = {.name = "tiny", .measured = "made up: small products cross every limit",
                 .l1 = {.bytes = 1 KIB, .ways = 2, .line = 64, .source = CK_SOURCE_TABLE},
                 .l2 = {.bytes = 4 KIB, .ways = 2, .line = 64, .source = CK_SOURCE_TABLE},
                 .tlb_entries = 4, .fma_bytes = 16,
                 .gemm = {.a_block = 1024, .a_unblocked = 1, .a_packed = 1024, .a_packed_panels = 2,
                          .b_block = 4096, .b_near = 256, .b_split = 1024, .b_packed = 2048, .b_far = 8192,
                          .c_far = 4096, .packing_distance = 3, .row_distance = 2, .dot_lag = 64, .dot_ahead = 64}}},
    // Any other processor: small caches of their time, of which a plan never asks too much.
    {.machine = {.name = "generic", .measured = "defaults for a processor that is not in this table",
                 .l1 = {.bytes = 32 KIB, .ways = 8, .line = 64, .source = CK_SOURCE_ASSUMED},
                 .l2 = {.bytes = 512 KIB, .ways = 8, .line = 64, .source = CK_SOURCE_ASSUMED},
                 .l3 = {.bytes = 8 MIB, .ways = 16, .line = 64, .source = CK_SOURCE_ASSUMED},
                 .tlb_entries = 1024, .fma_bytes = 64, .l3_bytes_per_cycle = 12}},
};
// clang-format on

const int32_t machine_row_count = sizeof machine_rows / sizeof *machine_rows;
