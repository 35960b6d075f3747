// Loads a library, multiplies on several lanes and unloads it, a thousand times; then ends while another thread
// multiplies.
//
// usage: reload libLanesBLAS.so
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef void (*sgemm_function)(int, int, int, int, int, int, float, const float *, int, const float *, int, float,
                               float *, int);

enum { N = 160, ROUNDS = 1000 };
static float a[N * N], b[N * N];

static int multiply(const char *path, void **library) {
    static _Thread_local float c[N * N];
    *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    sgemm_function sgemm = *library ? (sgemm_function)dlsym(*library, "cblas_sgemm") : NULL;
    if (!sgemm) {
        printf("%s\n", dlerror());
        return 1;
    }
    sgemm(101, 111, 111, N, N, N, 1, a, N, b, N, 0, c, N);
    return c[0] == N * 0.5f && c[N * N - 1] == N * 0.5f ? 0 : 1;
}

static int thread_count(void) {
    char line[256];
    int count = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file)) sscanf(line, "Threads: %d", &count);
    if (file) fclose(file);
    return count;
}

static void *multiply_for_ever(void *path) {
    void *library;
    for (;;)
        if (multiply(path, &library)) abort();
    return NULL;
}

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    alarm(60);
    for (int i = 0; i < N * N; i++) a[i] = 1, b[i] = 0.5f;
    for (int round = 0; round < ROUNDS; round++) {
        void *library;
        if (multiply(argv[1], &library)) {
            printf("round %d failed\n", round);
            return 1;
        }
        dlclose(library);
    }
    if (thread_count() != 1) {
        printf("%d threads are left after %d rounds\n", thread_count(), ROUNDS);
        return 1;
    }
    pthread_t thread;
    pthread_create(&thread, NULL, multiply_for_ever, argv[1]);
    usleep(20000);
    return 0; // with a product under way
}
