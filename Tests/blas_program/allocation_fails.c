// Allocation number n fails, for every n that the products below make: they give the same bits all the same.
//
// cc -rdynamic, so that the library finds the allocators of this program before those of the C library.
#define _GNU_SOURCE
#include <errno.h>
#include <lanes_blas.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t),
    *__libc_memalign(size_t, size_t);

static _Atomic long count = -1, fails_at = -1; // negative: nothing is counted

static bool fails(void) { return count >= 0 && count++ == fails_at; }

void *malloc(size_t size) { return fails() ? NULL : __libc_malloc(size); }
void *calloc(size_t number, size_t size) { return fails() ? NULL : __libc_calloc(number, size); }
void *realloc(void *memory, size_t size) { return fails() ? NULL : __libc_realloc(memory, size); }
void *aligned_alloc(size_t unit, size_t size) { return fails() ? NULL : __libc_memalign(unit, size); }
int posix_memalign(void **memory, size_t unit, size_t size) {
    *memory = fails() ? NULL : __libc_memalign(unit, size);
    return *memory ? 0 : ENOMEM;
}

enum { N = 300, RESULTS = 5 };
static float a[N * N], b[N * N], c[RESULTS][N * N], expected[RESULTS][N * N];

static void multiply(float result[RESULTS][N * N]) {
    memset(result, 0, sizeof c);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, N, N, N, 1, a, N, b, N, 0, result[0], N);
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, N, N, N, 1, a, N, b, N, 0, result[1], N);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, N, N, N, 1, a, N, b, N, 0, result[2], N);
    cblas_sgemm(CblasColMajor, CblasTrans, CblasTrans, 8, 8, N * N / 8, 1, a, N * N / 8, b, 8, 0, result[3],
                8); // k on lanes
    cblas_sgemv(CblasRowMajor, CblasNoTrans, N, N, 1, a, N, b, 2, 0, result[4], 3);
}

// On a thread of its own, whose packing memory ends with it: a child would go on with that of the thread that forks.
static void *expect(void *unused) {
    multiply(expected);
    return unused;
}

int main(void) {
    pthread_t thread;
    for (int i = 0; i < N * N; i++) a[i] = (float)(i * 37 % 101) / 101, b[i] = (float)(i * 53 % 97) / 97 - 0.5f;
    if (pthread_create(&thread, NULL, expect, NULL) || pthread_join(thread, NULL)) return 1;
    long n = 0;
    for (int status = 0; status == 0; n++) {
        const pid_t child = fork();
        if (child == 0) { // with a pool and packing memory of its own
            alarm(60);
            count = 0;
            fails_at = n;
            multiply(c);
            const bool was_reached = count > n;
            count = -1;
            if (memcmp(c, expected, sizeof c) != 0) _exit(1);
            _exit(was_reached ? 0 : 2);
        }
        if (child < 0 || waitpid(child, &status, 0) != child) return 1;
        if (status != 0 && !(WIFEXITED(status) && WEXITSTATUS(status) == 2)) {
            printf("allocation %ld fails: %s %d\n", n, WIFSIGNALED(status) ? "signal" : "status",
                   WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
            return 1;
        }
    }
    printf("%ld allocations failed in turn\n", n - 1);
    return n < 2; // packing memory at least
}
