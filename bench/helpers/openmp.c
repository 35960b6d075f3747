// Prints the median nanoseconds of an empty OpenMP region. Every thread counts, so that none can be left out.
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

static int compare(const void *a, const void *b) {
    return (*(double *)a > *(double *)b) - (*(double *)a < *(double *)b);
}

int main(void) {
    enum { SAMPLES = 200, REGIONS = 500 };
    static double times[SAMPLES];
    long counted = 0, expected = 0;
    for (int sample = 0; sample < SAMPLES; sample++) {
        const double start = omp_get_wtime();
        for (int region = 0; region < REGIONS; region++) {
#pragma omp parallel
#pragma omp atomic
            counted++;
        }
        times[sample] = (omp_get_wtime() - start) / REGIONS * 1e9;
        expected += (long)REGIONS * omp_get_max_threads();
    }
    qsort(times, SAMPLES, sizeof *times, compare);
    if (counted != expected) return 1;
    printf("%.1f\n", times[SAMPLES / 2]);
    return 0;
}
