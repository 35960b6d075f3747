// The main thread ends by pthread_exit, as POSIX allows: the process ends with its last thread of its own, though
// workers were awake.
//
// usage: main_thread_ends [late | meanwhile]     late: another thread multiplies first when the main thread has ended;
// meanwhile: it ends
//                                                 while the main thread, which has called pthread_exit, still runs
//                                                 destructors
#include <lanes_blas.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

enum { N = 512 };
static float a[N * N], b[N * N];

static void multiply(float *c) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, N, N, N, 1, a, N, b, N, 0, c, N);
}

static pthread_key_t key;

static void take_long(void *unused) {
    (void)unused;
    usleep(200000);
}

static void *multiply_late(void *c) {
    usleep(50000);
    multiply(c);
    return NULL;
}

int main(int argc, char **argv) {
    static float c[N * N], late[N * N];
    pthread_t thread;
    if (argc > 1 && pthread_create(&thread, NULL, multiply_late, late)) return 1;
    if (argc > 1 && strcmp(argv[1], "meanwhile") == 0 &&
        (pthread_key_create(&key, take_long) || pthread_setspecific(key, c)))
        return 1;
    multiply(c);
    pthread_exit(NULL);
}
