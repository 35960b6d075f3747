// Packing memory: one block for each thread, grown on demand, freed when the thread ends. Products that pack nothing
// never come here.
#include "gemm_tile.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct workspace {
    char *memory;
    size_t size;
} workspace;

static _Thread_local workspace mine;
static pthread_key_t at_thread_end;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static bool have_key; // without one, the memory of ended threads is not freed

static bool guarded;                        // by a test
static _Thread_local size_t guarded_size;   // of the thread's memory, if a guard page follows it
static size_t whole_pages(size_t size) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (size + page - 1) / page * page;
}

// Exactly this size, NaN everywhere, and then a page that nobody may touch.
static void *allocate_guarded(size_t size) {
    const size_t inner = whole_pages(size);
    char *mapping = mmap(NULL, inner + whole_pages(1), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED) return NULL;
    if (mprotect(mapping, inner, PROT_READ | PROT_WRITE)) abort();
    guarded_size = size;
    return memset(mapping + inner - size, 0xff, size);
}

// Other destructors of the thread may still multiply: they find no memory here, and get some again.
static void free_workspace(void *memory) {
    if (guarded_size) {
        const size_t inner = whole_pages(guarded_size);
        munmap((char *)memory + guarded_size - inner, inner + whole_pages(1));
    } else {
        free(memory);
    }
    guarded_size = 0;
    mine = (workspace){NULL, 0};
}

static void make_key(void) { have_key = pthread_key_create(&at_thread_end, free_workspace) == 0; }

// A library that is unloaded leaves no key behind, whose destructor would be gone. Memory of other threads is not
// reached.
__attribute__((destructor)) static void delete_key(void) {
    if (!have_key) return;
    pthread_key_delete(at_thread_end);
    free_workspace(mine.memory);
}

static _Thread_local bool denied; // by a test

static void *allocate(size_t unit, size_t size) {
    void *memory = NULL;
    if (denied) return NULL;
    if (guarded) return allocate_guarded(size);
    if (posix_memalign(&memory, unit, size)) {
        static atomic_flag told = ATOMIC_FLAG_INIT;
        if (!atomic_flag_test_and_set(&told))
            fprintf(
                stderr,
                "swift-lanes: no memory for %zu bytes of packing space; such products take turns in a small reserve\n",
                size);
        return NULL;
    }
    return memory;
}

char *ck_gemm_workspace(size_t size) {
    if (__builtin_expect(size <= mine.size, 1)) return mine.memory;
    // Whole huge pages where it pays: panels then need one TLB entry instead of hundreds.
    const size_t unit = size > (256 << 10) ? 2u << 20 : 4096;
    const size_t rounded = (size + unit - 1) / unit * unit;
    free_workspace(mine.memory);
    pthread_once(&once, make_key);
    if (have_key) pthread_setspecific(at_thread_end, NULL);
    void *memory = allocate(unit, guarded ? size : rounded);
    if (!memory) return NULL;
#if defined(__linux__)
    if (unit > 4096 && !guarded) madvise(memory, rounded, MADV_HUGEPAGE); // a wish: small pages work too
#endif
    if (have_key) pthread_setspecific(at_thread_end, memory);
    mine = (workspace){memory, guarded ? 0 : rounded}; // with a guard page, every product has its own
    return mine.memory;
}

static pthread_mutex_t reserve_lock = PTHREAD_MUTEX_INITIALIZER;
static char reserve[CK_RESERVE_BYTES] __attribute__((aligned(4096))); // costs nothing until it is used

// A child that is forked while another thread has the reserve would wait for a thread that did not come along.
static void before_fork(void) { pthread_mutex_lock(&reserve_lock); }
static void after_fork(void) { pthread_mutex_unlock(&reserve_lock); }
static void handle_fork(void) { pthread_atfork(before_fork, after_fork, after_fork); }

char *ck_gemm_borrow_reserve(void) {
    static pthread_once_t fork_once = PTHREAD_ONCE_INIT;
    pthread_once(&fork_once, handle_fork);
    pthread_mutex_lock(&reserve_lock);
    return reserve;
}

void ck_gemm_return_reserve(void) { pthread_mutex_unlock(&reserve_lock); }

void ck_gemm_poison_workspace(int byte) {
    if (mine.memory) memset(mine.memory, byte, mine.size);
    if (denied) memset(ck_gemm_borrow_reserve(), byte, CK_RESERVE_BYTES), ck_gemm_return_reserve();
}

void ck_gemm_deny_workspace(bool deny) {
    denied = deny;
    if (!deny) return;
    if (have_key) pthread_setspecific(at_thread_end, NULL);
    free_workspace(mine.memory);
}

void ck_gemm_guard_workspace(void) {
    if (have_key) pthread_setspecific(at_thread_end, NULL);
    free_workspace(mine.memory);
    guarded = true;
}
