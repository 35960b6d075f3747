// Checks a solution of an exercise and times it beside others. See check.h.
//   usage: check right|time SECONDS MEGABYTES PROCESSORS SOLUTION.so [NAIVE.so OURS.so]
// The solution runs in a child with limits on time, memory and files, whose standard output goes nowhere. Lines on
// standard output, of which the last verdict holds:
//   right | wrong | constant | skipped | outside | crash | endless | exits | file | memory | missing | remembers |
//   ours | untestable   and why
//   (ours: not this solution, but the form that one begins with or ours gave a wrong result)
//   work, limit, advice, time WHICH NANOSECONDS...
// The limits guard against mistakes, not against malice.
#define _GNU_SOURCE
#include "check.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

enum { THREADS_MAX = 64, REGIONS_MAX = 16, ROUNDS = 11, FILLER = 0xa5 };

// ---- Results -----

static int results = 1; // where lines go; a solution's own output goes elsewhere

static void say(const char *format, ...) {
    char line[1024];
    va_list list;
    va_start(list, format);
    int length = vsnprintf(line, sizeof line - 1, format, list);
    va_end(list);
    if (length > (int)sizeof line - 2) length = sizeof line - 2;
    line[length++] = '\n';
    if (write(results, line, (size_t)length) < 0) _exit(4);
}

static char wrong_text[512];

bool wrong(const char *format, ...) {
    va_list list;
    va_start(list, format);
    vsnprintf(wrong_text, sizeof wrong_text, format, list);
    va_end(list);
    return false;
}

static void stop(const char *verdict, const char *why) {
    say("%s %s", verdict, why);
    _exit(0);
}

// ---- Memory -----

typedef struct region {
    const char *name;
    char *mapping, *start; // beside one of the guard pages; what is between it and the other belongs to nobody
    size_t mapped, bytes;
    memory_kind kind;
    bool is_at_front;
} region;

static region regions[REGIONS_MAX];
static int region_count;
static bool at_front; // where buffers are made now

static size_t page(void) { return (size_t)sysconf(_SC_PAGESIZE); }

static size_t inner_bytes(const region *r) { return r->mapped - 2 * page(); }

static void may_write(const region *r, bool may) {
    mprotect(r->mapping + page(), inner_bytes(r), may ? PROT_READ | PROT_WRITE : PROT_READ);
}

void *memory(const char *name, size_t bytes, memory_kind kind) {
    for (int i = 0; i < region_count; i++)
        if (strcmp(regions[i].name, name) == 0) {
            if (regions[i].bytes == bytes && regions[i].is_at_front == at_front) {
                may_write(&regions[i], true);
                return regions[i].start;
            }
            munmap(regions[i].mapping, regions[i].mapped);
            regions[i] = regions[--region_count];
            break;
        }
    if (region_count == REGIONS_MAX) abort();
    region *r = &regions[region_count++];
    const size_t inner = (bytes + page() - 1) / page() * page() + (bytes == 0 ? page() : 0);
    *r = (region){.name = name, .mapped = inner + 2 * page(), .bytes = bytes, .kind = kind, .is_at_front = at_front};
    r->mapping = mmap(NULL, r->mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (r->mapping == MAP_FAILED) stop("memory", "the system gives no memory for the operands");
    may_write(r, true);
    memset(r->mapping + page(), FILLER, inner); // nobody's, but for the buffer
    r->start = r->mapping + page() + (at_front ? 0 : inner - bytes);
    memset(r->start, 0, bytes);
    return r->start;
}

static void before_call(void) {
    for (int i = 0; i < region_count; i++) {
        if (regions[i].kind == OUTPUT) memset(regions[i].start, FILLER, regions[i].bytes);
        if (regions[i].kind == SCRATCH) memset(regions[i].start, 0, regions[i].bytes);
        if (regions[i].kind == INPUT) may_write(&regions[i], false);
    }
}

// The first byte that is no longer FILLER; NULL where there is none.
static const char *not_filler(const char *at, const char *end) {
    for (; at < end; at++)
        if (*(const unsigned char *)at != FILLER) return at;
    return NULL;
}

// What nobody owns in the pages of each buffer; a guard page faults.
static void check_margins(void) {
    for (int i = 0; i < region_count; i++) {
        const region *r = &regions[i];
        const char *const first = r->mapping + page(), *const last = first + inner_bytes(r),
                          *const end = r->start + r->bytes;
        char text[256];
        const char *at = not_filler(first, r->start);
        if (at) {
            snprintf(text, sizeof text, "something was written %ld bytes before the beginning of %s",
                     (long)(r->start - at), r->name);
            stop("outside", text);
        }
        at = not_filler(end, last);
        if (at) {
            snprintf(text, sizeof text, "something was written %ld bytes after the end of %s", (long)(at - end),
                     r->name);
            stop("outside", text);
        }
    }
}

static bool outputs_untouched(void) {
    bool any = false;
    for (int i = 0; i < region_count; i++) {
        if (regions[i].kind != OUTPUT) continue;
        for (size_t b = 0; b < regions[i].bytes; b++) {
            any = true;
            if ((unsigned char)regions[i].start[b] != FILLER) return false;
        }
    }
    return any;
}

static uint64_t hash_of_outputs(void) {
    uint64_t hash = 14695981039346656037u;
    for (int i = 0; i < region_count; i++)
        if (regions[i].kind == OUTPUT)
            for (size_t b = 0; b < regions[i].bytes; b++)
                hash = (hash ^ (unsigned char)regions[i].start[b]) * 1099511628211u;
    return hash;
}

uint64_t random_number(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

float random_float(uint64_t *state) {
    return (float)((int64_t)(random_number(state) >> 40) - (1 << 23)) / (float)(1 << 23);
}

#if defined(__AVX512F__)
enum { VECTOR = 64 };
#elif defined(__AVX__)
enum { VECTOR = 32 };
#else
enum { VECTOR = 16 };
#endif
typedef char vector __attribute__((vector_size(VECTOR), aligned(1), may_alias));
enum { TURN = 512 };

void load_all(const void *start, size_t bytes) {
    for (const char *at = start, *end = at + bytes / TURN * TURN; at < end; at += TURN) {
#pragma clang loop unroll(full)
        for (int i = 0; i < TURN; i += VECTOR) {
            const vector x = *(const vector *)(at + i);
#if defined(__x86_64__)
            __asm__ volatile("" : : "v"(x));
#else
            __asm__ volatile("" : : "w"(x));
#endif
        }
    }
}

void copy_all(void *to, const void *from, size_t bytes) {
    for (size_t at = 0; at + TURN <= bytes; at += TURN) {
#pragma clang loop unroll(full)
        for (int i = 0; i < TURN; i += VECTOR)
            *(vector *)((char *)to + at + i) = *(const vector *)((const char *)from + at + i);
    }
}

static void copy_past(void *to, const void *from, size_t bytes) {
    typedef char aligned_vector __attribute__((vector_size(VECTOR)));
    size_t at = (size_t)(-(uintptr_t)to % VECTOR);
    memcpy(to, from, at);
    for (; at + VECTOR <= bytes; at += VECTOR)
        __builtin_nontemporal_store(*(const vector *)((const char *)from + at), (aligned_vector *)((char *)to + at));
    memcpy((char *)to + at, (const char *)from + at, bytes - at);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

void copy_large(void *to, const void *from, size_t bytes) {
    static size_t known;
    static bool is_past;
    if (known != bytes) {
        double best[2] = {1e300, 1e300};
        for (int i = 0; i < 6; i++) {
            const double start = now();
            if (i % 2)
                copy_past(to, from, bytes);
            else
                memcpy(to, from, bytes);
            const double elapsed = now() - start;
            if (elapsed < best[i % 2]) best[i % 2] = elapsed;
        }
        known = bytes, is_past = best[1] < best[0];
    }
    if (is_past)
        copy_past(to, from, bytes);
    else
        memcpy(to, from, bytes);
}

// ---- Signals -----

static void on_fault(int signal, siginfo_t *information, void *context) {
    const char *at = information->si_addr;
    const char *what = "touches";
#if defined(__x86_64__)
    what = ((ucontext_t *)context)->uc_mcontext.gregs[REG_ERR] & 2 ? "writes" : "reads";
#else
    (void)context;
#endif
    char text[256];
    for (int i = 0; (signal == SIGSEGV || signal == SIGBUS) && i < region_count; i++) {
        const region *r = &regions[i];
        if (at < r->mapping || at >= r->mapping + r->mapped) continue;
        if (at >= r->start + r->bytes)
            snprintf(text, sizeof text, "%s %ld bytes after the end of %s", what,
                     (long)(at - r->start - (long)r->bytes), r->name);
        else if (at < r->start)
            snprintf(text, sizeof text, "%s %ld bytes before the beginning of %s", what, (long)(r->start - at),
                     r->name);
        else
            snprintf(text, sizeof text, "writes to %s, which is an input", r->name);
        stop("outside", text);
    }
    // The processor refuses such an access before it looks at an address, and tells none.
    const char *where = signal != SIGSEGV ? ""
                        : information->si_code == SI_KERNEL
                            ? ", by an access that asks for an address of a multiple of its size (a vector without "
                              "aligned(4)?), or by an address that none can have"
                        : at == NULL ? ", at address 0"
                                     : "";
    snprintf(text, sizeof text, "signal %d: %s%s", signal, strsignal(signal), where);
    stop("crash", text);
}

static void watch_faults(void) {
    const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) sigaction(signals[i], &action, NULL);
}

// A stack that has run over is no place for a handler.
static void use_own_signal_stack(int thread) {
    enum { BYTES = 1 << 16 };
    static _Alignas(64) char stacks[THREADS_MAX][BYTES];
    const stack_t stack = {.ss_sp = stacks[thread], .ss_size = BYTES};
    sigaltstack(&stack, NULL);
}

// ---- Threads -----

static int processors[THREADS_MAX], thread_count = 1;
static _Alignas(128) _Atomic int arrived;
static _Alignas(128) _Atomic int generation;
static _Alignas(128) struct {
    void *const *functions; // NULL: the limit
    int64_t calls;
} job;

void barrier(void) {
    const int now = atomic_load_explicit(&generation, memory_order_acquire);
    if (atomic_fetch_add_explicit(&arrived, 1, memory_order_acq_rel) + 1 == thread_count) {
        atomic_store_explicit(&arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&generation, now + 1, memory_order_release);
        return;
    }
    for (unsigned polls = 1; atomic_load_explicit(&generation, memory_order_acquire) == now; polls++)
        if (polls % 10000 == 0) sched_yield();
}

static void do_job(int thread) {
    for (int64_t i = 0; i < job.calls; i++) {
        if (job.functions)
            this_exercise.call(job.functions, thread, thread_count);
        else
            this_exercise.limit(thread, thread_count);
        if (this_exercise.is_threaded) barrier();
    }
}

static void bind_to(int processor) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)processor, &set);
    sched_setaffinity(0, sizeof set, &set);
}

static void *worker(void *number) {
    const int thread = (int)(intptr_t)number;
    bind_to(processors[thread]);
    use_own_signal_stack(thread);
    while (true) {
        barrier();
        do_job(thread);
        barrier();
    }
    return NULL;
}

// Nanoseconds of so many calls.
static double run(void *const *functions, int64_t calls) {
    job.functions = functions, job.calls = calls;
    barrier();
    const double start = now();
    do_job(0);
    const double elapsed = now() - start;
    barrier();
    return elapsed;
}

// ---- The child -----

static void load_functions(const char *path, void **functions) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    char text[512];
    if (!library) {
        snprintf(text, sizeof text, "it cannot be loaded: %s", dlerror());
        stop("missing", text);
    }
    for (int i = 0; this_exercise.functions[i]; i++)
        if (!(functions[i] = dlsym(library, this_exercise.functions[i]))) {
            snprintf(text, sizeof text, "there is no function %s", this_exercise.functions[i]);
            stop("missing", text);
        }
}

static uint64_t fresh_seed(void) { return (uint64_t)now() * 2654435761u ^ (uint64_t)getpid(); }

static bool is_right(void *const *functions, int which, uint64_t seed) {
    this_exercise.prepare(which, seed);
    before_call();
    run(functions, 1);
    check_margins();
    return this_exercise.verify();
}

static void check_right(void *const *functions) {
    const uint64_t seed = fresh_seed();
    // Small sizes at the end of a page and at the beginning of one.
    for (int turn = 0; turn <= 2 * this_exercise.cases; turn++) {
        const int which = turn / 2;
        at_front = turn % 2;
        if (is_right(functions, which, seed + (uint64_t)turn)) continue;
        at_front = false;
        say("wrong %s", wrong_text);
        // Of the largest size, twice: of small ones a part of the work may be none, and results the same by chance.
        if (!is_right(functions, this_exercise.cases, seed + 1000)) {
            if (outputs_untouched()) stop("skipped", "the result was not written");
            const uint64_t first = hash_of_outputs();
            if (!is_right(functions, this_exercise.cases, seed + 2000) && first == hash_of_outputs())
                stop("constant", "the result is the same for other inputs");
        }
        _exit(0);
    }
    say("right %d sizes", this_exercise.cases + 1);
    say("threads %d", thread_count);
}

enum { YOURS, NAIVE, OURS, LIMIT, WAYS };

static void time_all(void *functions[3][4]) {
    static double times[WAYS][ROUNDS];
    int64_t calls[WAYS];
    uint64_t seed = fresh_seed();
    this_exercise.prepare(this_exercise.cases, seed);
    uint64_t before = 0;
    for (int way = 0; way < WAYS; way++) {
        double elapsed;
        before_call();
        for (calls[way] = 1;
             (elapsed = run(way == LIMIT ? NULL : functions[way], calls[way])) < 2e6 && calls[way] < 1 << 24;)
            calls[way] *= 2;
        if (way == YOURS) before = hash_of_outputs();
    }
    for (int round = 0; round < ROUNDS; round++) {
        // Other inputs at the same place: who remembers results gives those of before.
        this_exercise.prepare(this_exercise.cases, ++seed);
        for (int turn = 0; turn < WAYS; turn++) {
            const int way = round % 2 ? WAYS - 1 - turn : turn;
            before_call();
            times[way][round] = run(way == LIMIT ? NULL : functions[way], calls[way]) / (double)calls[way];
            const bool is_right = way == LIMIT || this_exercise.verify();
            if (!is_right && way != YOURS) stop("ours", wrong_text);
            if (!is_right) stop(hash_of_outputs() == before ? "remembers" : "wrong", wrong_text);
            if (way == YOURS) before = hash_of_outputs();
        }
    }
    const char *names[WAYS] = {"yours", "naive", "ours", "limit"};
    for (int way = 0; way < WAYS; way++) {
        char line[900];
        int length = snprintf(line, sizeof line, "time %s", names[way]);
        for (int round = 0; round < ROUNDS; round++)
            length += snprintf(line + length, sizeof line - (size_t)length, " %.4f", times[way][round]);
        say("%s", line);
    }
    say("work %.17g %s", this_exercise.work * (this_exercise.is_work_of_each ? thread_count : 1), this_exercise.unit);
    say("limit %s", this_exercise.limit_text);
    for (int i = 0; i < 8 && this_exercise.advice[i]; i++) say("advice %s", this_exercise.advice[i]);
}

// The signal of a limit comes at the first; past the second the process is killed.
static void set_limit(__rlimit_resource_t resource, rlim_t limit) {
    const struct rlimit both = {limit, resource == RLIMIT_CPU ? limit + 2 : limit};
    setrlimit(resource, &both);
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static void child(int output, const char *mode, int seconds, int megabytes, char **libraries) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    results = output;
    const int nothing = open("/dev/null", O_RDWR);
    dup2(nothing, 0);
    dup2(nothing, 1);
    dup2(nothing, 2);
    set_limit(RLIMIT_CORE, 0);
    set_limit(RLIMIT_CPU, (rlim_t)(seconds * thread_count + 2));
    // A sanitizer reserves more than there is, and writes a log.
    if (!SANITIZED)
        set_limit(RLIMIT_AS, ((rlim_t)megabytes + 80 * (rlim_t)thread_count)
                                 << 20); // a stack and what malloc reserves for each thread
    set_limit(RLIMIT_FSIZE, SANITIZED ? 1 << 20 : 0);
    signal(SIGXFSZ, SIG_DFL); // it may have come ignored from whoever started this
    if (!SANITIZED) watch_faults();
    use_own_signal_stack(0);
    bind_to(processors[0]);
    if (!this_exercise.is_threaded) thread_count = 1;
    pthread_attr_t small_stacks;
    pthread_attr_init(&small_stacks);
    if (!SANITIZED) pthread_attr_setstacksize(&small_stacks, 1 << 20);
    for (int thread = 1; thread < thread_count; thread++) {
        pthread_t id;
        if (pthread_create(&id, &small_stacks, worker, (void *)(intptr_t)thread) != 0)
            stop("memory", "the system gives no threads");
    }
    void *functions[3][4];
    const bool is_timed = strcmp(mode, "time") == 0;
    for (int i = 0; i < (is_timed ? 3 : 1); i++) load_functions(libraries[i], functions[i]);
    if (is_timed)
        time_all(functions);
    else
        check_right(functions[0]);
    say("end");
    _exit(0);
}

// ---- The parent -----

static int parse_processors(char *text) {
    int count = 0;
    for (char *part = strtok(text, ","); part && count < THREADS_MAX; part = strtok(NULL, ","))
        processors[count++] = atoi(part);
    return count;
}

int main(int count, char **arguments) {
    if (count < 6) {
        fprintf(stderr, "usage: check right|time SECONDS MEGABYTES PROCESSORS SOLUTION.so [NAIVE.so OURS.so]\n");
        return 2;
    }
#if SANITIZED
    // A thread sanitizer wants its shadow where it was told.
    if (!(personality(0xffffffff) & ADDR_NO_RANDOMIZE) && personality(ADDR_NO_RANDOMIZE) >= 0)
        execv("/proc/self/exe", arguments);
#endif
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int seconds = atoi(arguments[2]);
    thread_count = parse_processors(arguments[4]);
    if (thread_count < this_exercise.least_threads) {
        say("untestable this exercise needs %d processors, and %d may be used", this_exercise.least_threads,
            thread_count);
        return 0;
    }
    int ends[2];
    if (pipe(ends) != 0) return perror("pipe"), 1;
    const pid_t pid = fork();
    if (pid < 0) return perror("fork"), 1;
    if (pid == 0) {
        setpgid(0, 0);
        close(ends[0]);
        child(ends[1], arguments[1], seconds, atoi(arguments[3]), arguments + 5);
    }
    setpgid(pid, pid);
    close(ends[1]);
    // Whatever the child says goes on; how it ended is said here where it could not say so itself.
    char text[1 << 14];
    size_t length = 0;
    const double deadline = now() + 1e9 * seconds;
    bool is_late = false;
    while (length < sizeof text - 1) {
        const double left = (deadline - now()) / 1e6;
        struct pollfd wait = {.fd = ends[0], .events = POLLIN};
        const int ready = left > 0 ? poll(&wait, 1, (int)left + 1) : 0;
        if (ready < 0 && errno == EINTR) continue;
        if (ready <= 0) {
            is_late = true;
            break;
        }
        const ssize_t got = read(ends[0], text + length, sizeof text - 1 - length);
        if (got <= 0) break;
        length += (size_t)got;
    }
    // Threads and processes that it left.
    int status = 0;
    bool has_ended = false;
    while (!is_late && !has_ended) {
        has_ended = waitpid(pid, &status, WNOHANG) == pid;
        is_late = !has_ended && now() > deadline;
        if (!has_ended) usleep(1000);
    }
    kill(-pid, SIGKILL);
    if (!has_ended) waitpid(pid, &status, 0);
    text[length] = 0;
    const char *const verdicts[] = {"wrong ",   "constant ",  "skipped ", "outside ", "crash ",
                                    "missing ", "remembers ", "memory ",  "ours "};
    bool is_told = length >= 4 && strcmp(text + length - 4, "end\n") == 0;
    for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++)
        is_told = is_told || strncmp(text, verdicts[i], strlen(verdicts[i])) == 0;
    if (is_told)
        fputs(text, stdout);
    else if (is_late || (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU))
        say("endless it did not end within %d s", seconds);
    else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ)
        say("file it writes to a file");
    else if (WIFSIGNALED(status))
        say("crash signal %d: %s", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        say("exits it ended the process, with status %d", WEXITSTATUS(status));
    return 0;
}
