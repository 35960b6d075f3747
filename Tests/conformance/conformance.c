// Checks every kernel of every instruction set that this processor has against the numeric promise of ck_gemm.h, bit
// for bit, with operands against inaccessible pages and poisoned packing memory, in the guarded and the full form
// against inaccessible pages too.
//
// usage: conformance [quick | guarded | full | pool [REGIONS] | nothreads | hogs]     prints digests of the promised
// bits; they are equal on every processor and compiler
#include "conformance.h"

#include <stdarg.h>
#include <sys/mman.h>
#include <unistd.h>

static uint64_t state = 1;
void random_seed(uint64_t seed) { state = seed * 0x9e3779b97f4a7c15u + 1; }
uint64_t random_bits(void) { // splitmix64
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}
int64_t random_below(int64_t bound) { return (int64_t)(random_bits() % (uint64_t)bound); }

guarded guarded_allocate(size_t size, bool at_end) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), inner = (size + page - 1) / page * page;
    guarded g = {.mapping_size = inner + 2 * page};
    char *mapping = mmap(NULL, g.mapping_size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping == MAP_FAILED) return (guarded){0};
    if (inner && mprotect(mapping + page, inner, PROT_READ | PROT_WRITE)) {
        munmap(mapping, g.mapping_size);
        return (guarded){0};
    }
    g.mapping = mapping;
    g.bytes = at_end ? mapping + page + inner - size : mapping + page;
    return g;
}
void guarded_free(guarded memory) { munmap(memory.mapping, memory.mapping_size); }

long check_count, failure_count;
void check(bool condition, const char *format, ...) {
    check_count++;
    if (condition) return;
    if (failure_count++ >= 20) return;
    va_list arguments;
    va_start(arguments, format);
    printf("FAILED ");
    vprintf(format, arguments);
    printf("\n");
    va_end(arguments);
}

// Every second one is the made-up one whose limits small products cross.
const ck_machine *next_machine(void) {
    static uint32_t turn;
    int32_t count;
    const ck_machine *table = ck_machine_table(&count);
    return turn++ % 2 ? ck_machine_named("tiny", NULL, 0) : &table[turn / 2 % (uint32_t)count];
}

void digest_add(uint64_t *digest, const void *bytes, size_t size) { // FNV-1a
    uint64_t d = *digest ? *digest : 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++) d = (d ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3u;
    *digest = d;
}

#if defined(__x86_64__)
// rbx rbp r12 r13 r14 r15 hold sentinels over the call. The compiler's own values of them are saved by hand, since no
// asm statement may name rbp.
__asm__(".text\n.globl call_with_sentinels\ncall_with_sentinels:\n"
        "push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n push %r15\n sub $8, %rsp\n"
        "mov $0x1111, %rbx\n mov $0x2222, %rbp\n mov $0x3333, %r12\n mov $0x4444, %r13\n mov $0x5555, %r14\n mov "
        "$0x6666, %r15\n"
        "call *%rdx\n"
        "xor %eax, %eax\n"
        "cmp $0x1111, %rbx\n setne %cl\n movzx %cl, %ecx\n add %ecx, %eax\n"
        "cmp $0x2222, %rbp\n setne %cl\n movzx %cl, %ecx\n add %ecx, %eax\n"
        "cmp $0x3333, %r12\n setne %cl\n movzx %cl, %ecx\n add %ecx, %eax\n"
        "cmp $0x4444, %r13\n setne %cl\n movzx %cl, %ecx\n add %ecx, %eax\n"
        "cmp $0x5555, %r14\n setne %cl\n movzx %cl, %ecx\n add %ecx, %eax\n"
        "cmp $0x6666, %r15\n setne %cl\n movzx %cl, %ecx\n add %ecx, %eax\n"
        "add $8, %rsp\n pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbp\n pop %rbx\n ret\n");
#elif defined(__aarch64__)
// x19 ... x28 and the low halves of v8 ... v15 hold sentinels over the call.
__asm__(".text\n.globl call_with_sentinels\ncall_with_sentinels:\n"
        "stp x29, x30, [sp, #-176]!\n mov x29, sp\n"
        "stp x19, x20, [sp, #16]\n stp x21, x22, [sp, #32]\n stp x23, x24, [sp, #48]\n stp x25, x26, [sp, #64]\n stp "
        "x27, x28, [sp, #80]\n"
        "stp d8, d9, [sp, #96]\n stp d10, d11, [sp, #112]\n stp d12, d13, [sp, #128]\n stp d14, d15, [sp, #144]\n"
        "mov x19, #19\n mov x20, #20\n mov x21, #21\n mov x22, #22\n mov x23, #23\n mov x24, #24\n mov x25, #25\n mov "
        "x26, #26\n mov x27, #27\n mov x28, #28\n"
        "fmov d8, x19\n fmov d9, x20\n fmov d10, x21\n fmov d11, x22\n fmov d12, x23\n fmov d13, x24\n fmov d14, "
        "x25\n fmov d15, x26\n"
        "blr x2\n"
        "mov x0, #0\n"
        "cmp x19, #19\n cinc x0, x0, ne\n cmp x20, #20\n cinc x0, x0, ne\n cmp x21, #21\n cinc x0, x0, ne\n cmp x22, "
        "#22\n cinc x0, x0, ne\n"
        "cmp x23, #23\n cinc x0, x0, ne\n cmp x24, #24\n cinc x0, x0, ne\n cmp x25, #25\n cinc x0, x0, ne\n cmp x26, "
        "#26\n cinc x0, x0, ne\n"
        "cmp x27, #27\n cinc x0, x0, ne\n cmp x28, #28\n cinc x0, x0, ne\n"
        "fmov x1, d8\n cmp x1, #19\n cinc x0, x0, ne\n fmov x1, d9\n cmp x1, #20\n cinc x0, x0, ne\n"
        "fmov x1, d10\n cmp x1, #21\n cinc x0, x0, ne\n fmov x1, d11\n cmp x1, #22\n cinc x0, x0, ne\n"
        "fmov x1, d12\n cmp x1, #23\n cinc x0, x0, ne\n fmov x1, d13\n cmp x1, #24\n cinc x0, x0, ne\n"
        "fmov x1, d14\n cmp x1, #25\n cinc x0, x0, ne\n fmov x1, d15\n cmp x1, #26\n cinc x0, x0, ne\n"
        "ldp x19, x20, [sp, #16]\n ldp x21, x22, [sp, #32]\n ldp x23, x24, [sp, #48]\n ldp x25, x26, [sp, #64]\n ldp "
        "x27, x28, [sp, #80]\n"
        "ldp d8, d9, [sp, #96]\n ldp d10, d11, [sp, #112]\n ldp d12, d13, [sp, #128]\n ldp d14, d15, [sp, #144]\n"
        "ldp x29, x30, [sp], #176\n ret\n");
#endif

int call_with_sentinels(const ck_gemm_kernels *kernels, const ck_gemm_problem *problem,
                        void (*function)(const ck_gemm_kernels *, const ck_gemm_problem *));

int lost_registers(const ck_gemm_kernels *kernels, const ck_gemm_problem *problem) {
    return call_with_sentinels(kernels, problem, ck_gemm);
}

int main(int argc, char **argv) {
    const bool guarded =
        argc > 1 && strcmp(argv[1], "guarded") == 0; // as quick, with guard pages behind packing memory too
    const bool quick = guarded || (argc > 1 && strcmp(argv[1], "quick") == 0);
    const effort full = {1200, 1, 1, true}, less = {160, 97, 5, false};
    for (int isa = 0; isa < CK_ISA_COUNT; isa++)
        if (ck_isa_available((ck_isa)isa)) printf("isa %s\n", ck_isa_name((ck_isa)isa));
    const bool pool_only = argc > 1 && strcmp(argv[1], "pool") == 0;
    const bool no_threads = argc > 1 && strcmp(argv[1], "nothreads") == 0,
               hogs = argc > 1 && strcmp(argv[1], "hogs") == 0;
    if (no_threads)
        test_pool_without_threads();
    else if (hogs)
        test_pool_beside_hogs();
    else
        test_pool(pool_only && argc > 2 ? atoi(argv[2]) : quick || pool_only ? 20000 : 1000000);
    if (pool_only || no_threads || hogs) {
        printf("%ld checks, %ld failed\n", check_count, failure_count);
        return failure_count > 0;
    }
    // The address sanitizer has guards of its own, and sees how memory is kept from product to product.
    if (guarded || (!quick && !SANITIZES_ADDRESSES)) ck_gemm_guard_workspace();
    test_f32(quick ? less : full);
    test_f64(quick ? less : full);
    printf("%ld checks, %ld failed\n", check_count, failure_count);
    return failure_count > 0;
}
