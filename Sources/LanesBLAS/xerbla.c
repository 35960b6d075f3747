// What happens where an argument is bad. The handlers are the program's, if it has them: a library that defined them
// would take the place of those of LAPACK and of the program.
#include "blas_internal.h"

#include <stdio.h>
#include <string.h>

// The reference library reports a row-major call by the parameters of the column-major one that it stands for, and
// tells its handler so by this variable; handlers written for the reference library read it.
__attribute__((weak)) int RowMajorStrg;

#if defined(__ELF__)
#pragma weak cblas_xerbla
#pragma weak xerbla_
#define HAS(handler) ((handler) != NULL)
#else
#define HAS(handler) 0
#define cblas_xerbla(parameter, routine, form)
#define xerbla_(routine, parameter, length)
#endif

// The caller's own position of a parameter.
static int position(int parameter, const char *routine) {
    if (!RowMajorStrg) return parameter;
    if (strstr(routine, "gemm"))
        return parameter == 4 ? 5 : parameter == 5 ? 4 : parameter == 9 ? 11 : parameter == 11 ? 9 : parameter;
    return parameter == 3 ? 4 : parameter == 4 ? 3 : parameter;
}

void lanes_blas_bad_argument_c(int parameter, const char *routine) {
    if (HAS(cblas_xerbla)) {
        cblas_xerbla(parameter, routine, "");
        return;
    }
    fprintf(stderr, "LanesBLAS: parameter %d of %s has an illegal value; nothing was computed\n",
            position(parameter, routine), routine);
}

void lanes_blas_bad_argument_fortran(int parameter, const char *routine) {
    if (HAS(xerbla_)) {
        xerbla_(routine, &parameter, (int)strlen(routine));
        return;
    }
    fprintf(stderr, "LanesBLAS: parameter %d of %s has an illegal value; nothing was computed\n", parameter, routine);
}
