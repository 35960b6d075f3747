// Packing memory: one block for each thread, grown on demand, freed when the thread ends. Products that pack nothing never
// come here.
#include "gemm_tile.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

typedef struct workspace {
    char *memory;
    size_t size;
} workspace;

static _Thread_local workspace mine;
static pthread_key_t at_thread_end;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static bool have_key; // without one, the memory of ended threads is not freed

// Other destructors of the thread may still multiply: they find no memory here, and get some again.
static void free_workspace(void *memory) {
    free(memory);
    mine = (workspace){NULL, 0};
}

static void make_key(void) { have_key = pthread_key_create(&at_thread_end, free_workspace) == 0; }

// A library that is unloaded leaves no key behind, whose destructor would be gone. Memory of other threads is not reached.
__attribute__((destructor)) static void delete_key(void) {
    if (!have_key) return;
    pthread_key_delete(at_thread_end);
    free_workspace(mine.memory);
}

char *ck_gemm_workspace(size_t size) {
    if (__builtin_expect(size <= mine.size, 1)) return mine.memory;
    // Whole huge pages where it pays: panels then need one TLB entry instead of hundreds.
    const size_t unit = size > (256 << 10) ? 2u << 20 : 4096;
    const size_t rounded = (size + unit - 1) / unit * unit;
    free(mine.memory);
    mine = (workspace){NULL, 0};
    pthread_once(&once, make_key);
    if (have_key) pthread_setspecific(at_thread_end, NULL);
    void *memory = NULL;
    if (posix_memalign(&memory, unit, rounded)) {
        fprintf(stderr, "swift-lanes: no memory for %zu bytes of packing space\n", rounded);
        abort();
    }
#if defined(__linux__)
    if (unit > 4096) madvise(memory, rounded, MADV_HUGEPAGE); // a wish: small pages work too
#endif
    if (have_key) pthread_setspecific(at_thread_end, memory);
    mine = (workspace){memory, rounded};
    return mine.memory;
}

void ck_gemm_poison_workspace(int byte) {
    if (mine.memory) memset(mine.memory, byte, mine.size);
}
