// Error handlers. Weak, and called through the dynamic linker, so that a program's own take their place.
#include "blas_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The reference library reports a row-major call by the parameters of the column-major one that it stands for, and tells its
// handler so by this variable; handlers written for the reference library read it.
__attribute__((weak)) int RowMajorStrg;

// The caller's own position of a parameter.
static int position(int parameter, const char *routine) {
    if (!RowMajorStrg) return parameter;
    if (strstr(routine, "gemm"))
        return parameter == 4 ? 5 : parameter == 5 ? 4 : parameter == 9 ? 11 : parameter == 11 ? 9 : parameter;
    return parameter == 3 ? 4 : parameter == 4 ? 3 : parameter;
}

__attribute__((weak)) void cblas_xerbla(int parameter, const char *routine, const char *form, ...) {
    fprintf(stderr, "LanesBLAS: parameter %d of %s has an illegal value. ", position(parameter, routine), routine);
    va_list arguments;
    va_start(arguments, form);
    vfprintf(stderr, form, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

__attribute__((weak)) void xerbla_(const char *routine, const int *parameter, int routine_length) {
    fprintf(stderr, "LanesBLAS: parameter %d of %.*s has an illegal value.\n", *parameter, routine_length, routine);
    exit(1);
}
