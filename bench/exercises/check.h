// What an exercise consists of. Each file NAME.c in this folder is one, in three parts:
//   EXERCISE_START  what `lanes lab exercise start` writes: the question and a naive form that is right
//   EXERCISE_OURS   our form, timed beside the reader's
//   neither         operands, reference and limit, compiled with check.c into the program that checks a solution
#ifndef LANES_EXERCISE_CHECK_H
#define LANES_EXERCISE_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct exercise {
    const char *functions[4]; // that a solution defines; NULL ends them
    bool is_threaded;         // called by all threads at once; else by one
    int least_threads;
    int cases; // small and odd sizes that a solution has to get right; case number `cases` is the one that is timed
    void (*prepare)(int which, uint64_t seed);
    void (*call)(void *const *functions, int thread, int threads); // one thread's part of a call
    bool (*verify)(void);                                          // of the call before; says what is `wrong`
    // Does what the limit consists of and no more, so much of it as a timed call must do at least.
    void (*limit)(int thread, int threads);
    const char *limit_text; // "loads of the same bytes"
    double work;            // of a timed call: of each thread, where is_work_of_each, else of all
    bool is_work_of_each;
    const char *unit; // of the work, for a rate of so many in a nanosecond: "bytes"
    // What to try next: for a share of the limit below an eighth, a quarter, a half, three quarters, and above.
    const char *advice[8];
} exercise;

extern const exercise this_exercise;

// Memory that ends where a page begins that nobody may touch, or, for every small size a second time, begins where one
// ends; what is written on its other side is found after the call. The same name and size give the same memory again.
// An INPUT may not be written during a call. An OUTPUT is filled with 0xa5 before it. A SCRATCH is the solution's,
// zeros at first.
typedef enum memory_kind { INPUT, OUTPUT, SCRATCH } memory_kind;
void *memory(const char *name, size_t bytes, memory_kind kind);

// Random numbers: splitmix64; a float between -1 and 1.
uint64_t random_number(uint64_t *state);
float random_float(uint64_t *state);

// Says why a result is wrong; returns false.
bool wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));

// All threads of a call wait for each other.
void barrier(void);

// Loads, or copies, all bytes, but for the last few hundred, in the widest vectors; no load needs another.
void load_all(const void *start, size_t bytes);
void copy_all(void *to, const void *from, size_t bytes);

// A copy of a large memory by memcpy or by stores that go past the caches, whichever was faster at first.
void copy_large(void *to, const void *from, size_t bytes);

#endif
