// Kernels that show what a machine does: memory latency, sharing of lines, locks, and how fast the same product is
// when it is written in the ways that people write it. Each says what one step is. Plain C, the compiler's atomics and
// a few instructions that a chain must consist of.
//
// Failure     none.
#ifndef CK_LAB_H
#define CK_LAB_H

#include "ck_cpu.h"

#ifdef __cplusplus
extern "C" {
#endif

// `steps` additions of registers, each of which needs the result of the one before, as the first needs the last of the
// thread's call before: one cycle each on every processor that we know.
uint64_t ck_lab_alu_chain(int64_t steps);

// The same with integer multiplications (three or four cycles on cores that we know), additions of floats (two to
// four) and multiply-adds of doubles (three to five). False where this processor has no such operation.
typedef enum ck_lab_chain_kind {
    CK_LAB_CHAIN_MULTIPLY,
    CK_LAB_CHAIN_FLOAT_ADD,
    CK_LAB_CHAIN_MULTIPLY_ADD
} ck_lab_chain_kind;
bool ck_lab_chain(ck_lab_chain_kind kind, int64_t steps);

// Eight floats, each multiplied `steps` times by a factor; with flush-to-zero set meanwhile for the calling thread,
// whose setting is put back. False, and nothing is done, where this processor cannot flush.
bool ck_lab_multiply(int64_t steps, float factor, float *numbers, bool flush);

// `steps` times a store at an address and a load of what was stored: both 8 bytes; two stores of 4 and a load of 8; a
// store of 8 and a load of its upper 4. Each step needs the one before.
typedef enum ck_lab_forward_kind {
    CK_LAB_FORWARD_SAME,
    CK_LAB_FORWARD_NARROW_TO_WIDE,
    CK_LAB_FORWARD_WIDE_TO_NARROW
} ck_lab_forward_kind;
int64_t ck_lab_forward(ck_lab_forward_kind kind, int64_t steps, char *at);

// `steps` independent loads of 8 bytes, at `at` and three times `stride` bytes further, again and again.
void ck_lab_load_at(int64_t steps, const char *at, int64_t stride);

// Events of the calling thread in user mode since the counter was opened: cycles, instructions, mispredicted branches,
// loads that missed the TLB, page faults. Open gives a descriptor, or -1 where neither processor nor system counts
// them, as in most guests; read gives -1 where the counter was shared and did not count all the time.
typedef enum ck_lab_counter {
    CK_LAB_CYCLES,
    CK_LAB_INSTRUCTIONS,
    CK_LAB_BRANCH_MISSES,
    CK_LAB_ADDRESS_MISSES,
    CK_LAB_PAGE_FAULTS
} ck_lab_counter;
int ck_lab_open_counter(ck_lab_counter counter);
int64_t ck_lab_read_counter(int descriptor);
void ck_lab_close_counter(int descriptor);

// `turns` times twelve instructions of each kind that `kinds` names, none of which needs another of the same turn:
// multiply-adds, loads and shuffles of vectors of 32 bytes. `numbers`: eight floats. False, and nothing is done, where
// there is no AVX2 with FMA.
enum { CK_LAB_ISSUE_MULTIPLY_ADD = 1, CK_LAB_ISSUE_LOAD = 2, CK_LAB_ISSUE_SHUFFLE = 4 };
bool ck_lab_issue(uint32_t kinds, int64_t turns, const float *numbers);

// Copies floats one by one, in order.
void ck_lab_copy_numbers(int64_t count, const float *from, float *to);

// `steps` branches that follow a pattern of zeros and ones of some length, again and again.
int64_t ck_lab_branch(int64_t steps, const uint8_t *pattern, int64_t length);

// The sum of one number of 8 bytes every `stride` bytes, which may be negative.
int64_t ck_lab_sum_lines(const char *memory, int64_t count, int64_t stride);

// The sum of one number of each `step` bytes of `streams` memories that begin `distance` bytes apart: one of each in
// turn, `count` from each.
int64_t ck_lab_sum_streams(const char *memory, int64_t streams, int64_t distance, int64_t step, int64_t count);

// A cycle through `count` cells in random order, `stride` bytes apart: cell i holds the address of its successor.
void ck_lab_make_chase(void *memory, int64_t count, int64_t stride, uint64_t seed);
// Where `chains` walks begin: cells count / chains apart.
void ck_lab_start_chase(const void *memory, int64_t count, int64_t stride, int chains, const void **positions);
// Follows `chains` (1, 2, 4, 8 or 16) walks at once, `steps` steps each, and leaves in `positions` where they are: the
// next call goes on there and finds cells that the caches have forgotten.
void ck_lab_chase(int chains, int64_t steps, const void **positions);

// `steps` operations on a number in memory: adds 1 by a plain load, addition and store each time; adds 1 atomically;
// exchanges it for another; adds 1 by a compare-and-swap loop, of which the failed attempts are returned.
void ck_lab_count_plain(int64_t *number, int64_t steps);
void ck_lab_count_add(int64_t *number, int64_t steps);
void ck_lab_count_exchange(int64_t *number, int64_t steps);
int64_t ck_lab_count_swap(int64_t *number, int64_t steps);
// Reads a number `steps` times while somebody else may write it or a neighbour.
int64_t ck_lab_read(const int64_t *number, int64_t steps);
// A load and a store without a lock around: additions get lost where several threads do it. Both are atomic by
// themselves, so the race is defined in C. Spins a little between the two.
void ck_lab_count_racing(int64_t *number, int64_t steps);

// One side of a ping-pong: waits until *line is side + 2 * i, then writes one more, for i in 0 ..< rounds. Sides 0 and
// 1; start with 0.
void ck_lab_ping(int64_t *line, int side, int64_t rounds);

// Locks, by the names of experiments: test-and-set, test-and-test-and-set with back-off, ticket, MCS (Mellor-Crummey
// and Scott, 1991), pthread's mutex (a futex).
typedef enum ck_lab_lock_kind { CK_LAB_TAS, CK_LAB_TTAS, CK_LAB_TICKET, CK_LAB_MCS, CK_LAB_MUTEX } ck_lab_lock_kind;
enum { CK_LAB_LOCK_BYTES = 256 };
void ck_lab_lock_init(void *lock);
// Takes the lock `acquisitions` times; inside adds 1 to *number after `inside` chained additions, outside does
// `outside` of them.
void ck_lab_lock_run(ck_lab_lock_kind kind, void *lock, int64_t *number, int64_t acquisitions, int64_t inside,
                     int64_t outside);

// C = A * B, row-major and contiguous, as a textbook writes it (a dot product for each element; the compiler is kept
// from vectorising), with the two inner loops exchanged (kept from vectorising too), and the same left to the compiler
// for the instruction set in use.
void ck_lab_gemm_textbook(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *c);
void ck_lab_gemm_exchanged(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *c);
void ck_lab_gemm_vectorized(int64_t m, int64_t n, int64_t k, const float *a, const float *b, float *c);

// y = x * x + sin(x) for |x| <= 2.5, within 1e-6: for one element, and for many in vectors.
float ck_lab_square_plus_sin(float x);
void ck_lab_squares_plus_sin(int64_t count, const float *x, float *y);

// Sum of a matrix, row by row or column by column.
float ck_lab_sum_rows(int64_t rows, int64_t columns, const float *x);
float ck_lab_sum_columns(int64_t rows, int64_t columns, const float *x);

#ifdef __cplusplus
}
#endif
#endif
