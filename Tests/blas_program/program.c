// A C program that links libLanesBLAS.so and brings its own error handlers.
#include <lanes_blas.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int last_parameter;
static char last_routine[32];

void cblas_xerbla(int parameter, const char *routine, const char *form, ...) {
    (void)form;
    last_parameter = parameter;
    snprintf(last_routine, sizeof last_routine, "%s", routine);
}

void xerbla_(const char *routine, const int *parameter, int routine_length) {
    last_parameter = *parameter;
    snprintf(last_routine, sizeof last_routine, "%.*s", routine_length, routine);
}

static int failures;
static void expect(int condition, const char *what) {
    if (!condition)
        failures++, fprintf(stderr, "program: %s (parameter %d, routine %s)\n", what, last_parameter, last_routine);
}

int main(void) {
    const float a[6] = {1, 2, 3, 4, 5, 6}, b[6] = {1, 0, 0, 1, 1, 1};
    float c[4] = {0};
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, 2, 2, 3, 1, a, 3, b, 2, 0, c, 2);
    expect(c[0] == 4 && c[1] == 5 && c[2] == 10 && c[3] == 11, "cblas_sgemm");

    // The names that programs use: before 2015, OpenBLAS's fourth transposition, the reference's integer.
    enum CBLAS_ORDER order = CblasRowMajor;
    const CBLAS_INT size = 2;
    c[0] = c[3] = 0;
    cblas_sgemm(order, CblasConjNoTrans, CblasConjNoTrans, size, size, 3, 1, a, 3, b, 2, 0, c, 2);
    expect(c[0] == 4 && c[3] == 11, "CblasConjNoTrans");

    const int two = 2, three = 3, one = 1, minus = -1;
    const double alpha = 2, beta = 0, da[6] = {1, 2, 3, 4, 5, 6}, x[3] = {1, 1, 1};
    double y[2] = {7, 7};
    dgemv_("N", &two, &three, &alpha, da, &two, x, &one, &beta, y, &one);
    expect(y[0] == 18 && y[1] == 24, "dgemv_");

    // Errors reach this program's handlers, and nothing is written.
    cblas_sgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, 2, 2, 3, 1, a, 1, b, 3, 0, c, 2);
    expect(last_parameter == 9 && strcmp(last_routine, "cblas_sgemm") == 0 && c[0] == 4, "bad lda");
    dgemv_("N", &minus, &three, &alpha, da, &two, x, &one, &beta, y, &one);
    expect(last_parameter == 2 && strcmp(last_routine, "DGEMV ") == 0 && y[0] == 18, "bad m");
    dgemv_("?", &two, &three, &alpha, da, &two, x, &one, &beta, y, &one);
    expect(last_parameter == 1, "bad trans");
    return failures > 0;
}
