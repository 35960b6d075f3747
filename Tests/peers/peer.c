// Peers for tests of `lanes gemm`: textbook loops behind cblas_sgemm. Built with -DAPART it refuses to share a process
// with our product; with -DWRONG the last element of every result is wrong; with -DPRINTS it prints to standard
// output, with -DHANGS it never returns.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef APART
__attribute__((constructor)) static void refuse(void) {
    char text[4096];
    FILE *file = fopen("/proc/self/cmdline", "r");
    size_t count = file ? fread(text, 1, sizeof text, file) : 0;
    if (file) fclose(file);
    for (size_t i = 0; i + 5 < count; i++)
        if (!memcmp(text + i, "--own", 5)) abort();
}
#endif

void cblas_sgemm(int order, int ta, int tb, int m, int n, int k, float alpha, const float *a, int lda, const float *b,
                 int ldb, float beta, float *c, int ldc) {
    (void)order;
#ifdef PRINTS
    puts("VERBOSE SGEMM");
    fflush(stdout);
#endif
#ifdef HANGS
    for (volatile int i = 0;; i++) {}
#endif
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            float sum = 0;
            for (int p = 0; p < k; p++)
                sum += (ta == 111 ? a[i * lda + p] : a[p * lda + i]) * (tb == 111 ? b[p * ldb + j] : b[j * ldb + p]);
            c[i * ldc + j] = alpha * sum + (beta != 0 ? beta * c[i * ldc + j] : 0);
        }
#ifdef WRONG
    c[(m - 1) * ldc + n - 1] += 0.5f;
#endif
}
