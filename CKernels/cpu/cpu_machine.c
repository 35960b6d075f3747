// The description of this machine: asked for, checked, completed.
#define _GNU_SOURCE
#include "cpu_machine.h"

#include "cpu_files.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if defined(__linux__)
#include <sched.h>
#endif
#if defined(__x86_64__)
#include <cpuid.h>
#endif

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

const char *ck_source_name(ck_source source) {
    static const char *const names[] = {"assumed", "table", "CPUID", "system"};
    return names[source];
}

// Checking.

static bool power_of_two(int64_t x) { return x > 0 && (x & (x - 1)) == 0; }

// Whether there can be such a cache below one of `above` bytes.
static bool possible(const ck_cache *c, int64_t above, int64_t most) {
    return c->bytes > above && c->bytes <= most && c->ways > 0 && c->ways <= 64 && power_of_two(c->line) &&
           c->line >= 16 && c->line <= 512 && c->bytes % ((int64_t)c->ways * c->line) == 0;
}

static void believe(ck_cache *described, const ck_cache *told, int64_t above, int64_t most, const char *level,
                    ck_machine *machine) {
    if (told->bytes == 0 && told->ways == 0) return; // nothing was said
    if (possible(told, above, most)) {
        *described = *told;
        return;
    }
    const size_t used = strlen(machine->note);
    snprintf(machine->note + used, sizeof machine->note - used,
             "%san %s of %lld bytes in %d ways of %d-byte lines cannot be: %lld assumed", used ? "; " : "", level,
             (long long)told->bytes, told->ways, told->line, (long long)described->bytes);
}

static bool is_row(const machine_row *row, const ck_machine_told *told) {
    for (int i = 0; i < MACHINE_IDENTITIES && row->is[i].vendor; i++) {
        const machine_identity *is = &row->is[i];
        const int32_t number = *is->vendor ? told->model : told->part;
        if (strcmp(is->vendor, told->vendor) == 0 && is->family == (*is->vendor ? told->family : 0) &&
            number >= is->first && number <= is->last)
            return true;
    }
    return false;
}

ck_machine ck_machine_from(const ck_machine_told *told) {
    const machine_row *row = machine_rows;
    while (row < machine_rows + machine_row_count - 1 && !is_row(row, told)) row++;
    ck_machine m = row->machine;
    m.core_source = row == machine_rows + machine_row_count - 1 ? CK_SOURCE_ASSUMED : CK_SOURCE_TABLE;
    believe(&m.l1, &told->l1, 0, 2 << 20, "L1", &m);
    believe(&m.l2, &told->l2, m.l1.bytes, (int64_t)1 << 30, "L2", &m);
    // A level that nobody tells beside levels that are told is one that the machine has not got.
    const bool told_others = told->l1.bytes > 0 && told->l2.bytes > 0;
    if (told->l3.bytes == 0 && told->l3.ways == 0 && told_others) m.l3 = (ck_cache){.source = told->l2.source};
    believe(&m.l3, &told->l3, m.l2.bytes, (int64_t)1 << 40, "L3", &m);
    if (m.l2.bytes <= m.l1.bytes)
        m.l2 = (ck_cache){.bytes = 8 * m.l1.bytes, .ways = m.l1.ways, .line = m.l1.line, .source = CK_SOURCE_ASSUMED};
    if (m.l3.bytes && m.l3.bytes <= m.l2.bytes) m.l3 = (ck_cache){.source = CK_SOURCE_ASSUMED};
    if (power_of_two(told->page) && told->page >= 4096 && told->page <= 2 << 20)
        m.page = told->page, m.page_source = CK_SOURCE_SYSTEM;
    if (power_of_two(told->huge_page) && told->huge_page > told->page) m.huge_page = told->huge_page;
    ck_machine_complete(&m);
    return m;
}

// Completing. What stands for what is said in ck_gemm_plan.h.

static void derive(int64_t *limit, int64_t value) {
    if (*limit == 0) *limit = value;
}

static void derive_way(ck_cache *cache) {
    const int64_t way = cache->ways > 0 ? cache->bytes / cache->ways : 0;
    cache->way = 1;
    while (2 * (int64_t)cache->way <= way && cache->way < 1 << 29) cache->way *= 2;
}

void ck_machine_complete(ck_machine *m) {
    derive_way(&m->l1), derive_way(&m->l2), derive_way(&m->l3);
    if (!m->page) m->page = 4096;
    if (!m->huge_page) m->huge_page = 2 << 20;
    ck_gemm_limits *g = &m->gemm;
    const int64_t l2 = m->l2.bytes, l3 = m->l3.bytes, never = INT64_MAX;
    // A tile of three vectors takes 4 bytes of A every one and a half cycles. A core whose shared cache gives less
    // than four times that waits for it, so what is used again is kept in L2.
    const bool slow = l3 == 0 || m->l3_bytes_per_cycle < 4 * 4 / 1.5;
    derive(&g->a_block, l2 / 4);
    derive(&g->a_unblocked, slow ? l2 / 2 : 4 * l2);
    derive(&g->a_packed, slow ? l2 / 8 * 3 : g->a_unblocked);
    derive(&g->a_packed_panels, slow ? 3 : 4);
    derive(&g->b_block, l3 ? smaller(l3 / 16 * 3, 8 * l2) : 2 * l2);
    derive(&g->b_near, l2 / 8 * 5);
    derive(&g->b_packed, slow ? l2 / 2 * 3 : never);
    derive(&g->b_split, l2 / 4);
    derive(&g->b_far, l3 ? l3 / 8 * 3 : 4 * l2);
    derive(&g->c_far, 3 * l2);
    derive(&g->packing_distance, 48);
    derive(&g->row_distance, slow ? 12 : -1);
    derive(&g->dot_lag, 256);
    derive(&g->dot_ahead, 256);
}

// Asking.

static bool read_text(const char *root, const char *path, char *text, int size) {
    char full[512];
    snprintf(full, sizeof full, "%s%s", root, path);
    return read_line(full, text, size);
}

static int64_t read_number(const char *root, const char *path) {
    char text[64];
    if (!read_text(root, path, text, sizeof text)) return 0;
    char *end;
    const int64_t number = strtoll(text, &end, 0);
    return *end == 'K' ? number << 10 : *end == 'M' ? number << 20 : number;
}

static int32_t count_processors(const char *list) {
    int32_t count = 0;
    for (long first, last; next_processors(&list, &first, &last);) count += (int32_t)(last - first + 1);
    return count;
}

// The data and unified caches of one processor, from sysfs.
static void ask_caches(const char *root, int processor, ck_machine_told *told) {
    for (int index = 0; index < 10; index++) {
        char path[160], text[256];
        const int length =
            snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/cache/index%d/", processor, index);
        strcpy(path + length, "type");
        if (!read_text(root, path, text, sizeof text)) return;
        if (strcmp(text, "Instruction") == 0) continue;
        ck_cache c = {.source = CK_SOURCE_SYSTEM};
        strcpy(path + length, "size");
        c.bytes = read_number(root, path);
        strcpy(path + length, "ways_of_associativity");
        c.ways = (int32_t)read_number(root, path);
        strcpy(path + length, "coherency_line_size");
        c.line = (int32_t)read_number(root, path);
        strcpy(path + length, "shared_cpu_list");
        if (read_text(root, path, text, sizeof text)) c.processors = count_processors(text);
        strcpy(path + length, "level");
        const int64_t level = read_number(root, path);
        if (level >= 1 && level <= 3) *(level == 1 ? &told->l1 : level == 2 ? &told->l2 : &told->l3) = c;
    }
}

static void keep_smaller(ck_cache *kept, const ck_cache *other) {
    if (other->bytes && (!kept->bytes || other->bytes < kept->bytes)) *kept = *other;
}

// Chips whose processors differ: a plan must suit every one that may run it.
static void ask_all_caches(const char *root, ck_machine_told *told) {
#if defined(__linux__)
    cpu_set_t mask;
    CPU_ZERO(&mask);
    const bool have_mask = sched_getaffinity(0, sizeof mask, &mask) == 0;
    for (int processor = 0; processor < CPU_SETSIZE; processor++) {
        if (have_mask && !CPU_ISSET(processor, &mask)) continue;
        ck_machine_told one = {0};
        ask_caches(root, processor, &one);
        if (!one.l1.bytes && !have_mask) break;
        keep_smaller(&told->l1, &one.l1);
        keep_smaller(&told->l2, &one.l2);
        keep_smaller(&told->l3, &one.l3);
    }
#else
    ask_caches(root, 0, told);
#endif
}

#if defined(__x86_64__)

// Leaf 4 of Intel and leaf 0x8000001D of AMD have one form.
static void ask_cpuid_caches(uint32_t leaf, ck_machine_told *told) {
    for (uint32_t index = 0; index < 10; index++) {
        uint32_t a, b, c, d;
        __cpuid_count(leaf, index, a, b, c, d);
        const uint32_t type = a & 31, level = a >> 5 & 7;
        if (type == 0) return;
        if (type == 2 || level < 1 || level > 3) continue; // instructions
        const ck_cache cache = {.bytes = (int64_t)((b >> 22) + 1) * ((b >> 12 & 1023) + 1) * ((b & 4095) + 1) *
                                         ((int64_t)c + 1),
                                .ways = (int32_t)(b >> 22) + 1,
                                .line = (int32_t)(b & 4095) + 1,
                                .processors = (int32_t)(a >> 14 & 4095) + 1,
                                .source = CK_SOURCE_CPUID};
        *(level == 1 ? &told->l1 : level == 2 ? &told->l2 : &told->l3) = cache;
    }
}

static bool ask_cpuid(ck_machine_told *told) {
    uint32_t a, b, c, d;
    if (!__get_cpuid(0, &a, &b, &c, &d)) return false;
    memcpy(told->vendor, &b, 4), memcpy(told->vendor + 4, &d, 4), memcpy(told->vendor + 8, &c, 4);
    if (!__get_cpuid(1, &a, &b, &c, &d)) return false;
    const uint32_t family = a >> 8 & 15, model = a >> 4 & 15;
    told->family = (int32_t)(family + (family == 15 ? a >> 20 & 255 : 0));
    told->model = (int32_t)(model + (family == 6 || family == 15 ? (a >> 16 & 15) << 4 : 0));
    if (strcmp(told->vendor, "GenuineIntel") == 0 && __get_cpuid_max(0, NULL) >= 4) ask_cpuid_caches(4, told);
    if (strcmp(told->vendor, "AuthenticAMD") == 0 && __get_cpuid_max(0x80000000, NULL) >= 0x8000001d)
        ask_cpuid_caches(0x8000001d, told);
    const bool hybrid = __get_cpuid_count(7, 0, &a, &b, &c, &d) && d >> 15 & 1;
    return !hybrid;
}

#endif

ck_machine_told ck_machine_ask(const char *root) {
    ck_machine_told told = {0};
    bool alike = false;
#if defined(__x86_64__)
    if (!*root) alike = ask_cpuid(&told);
#endif
    if (!alike || !told.l1.bytes) {
        told.l1 = told.l2 = told.l3 = (ck_cache){0};
        ask_all_caches(root, &told);
    }
    const int64_t midr = read_number(root, "/sys/devices/system/cpu/cpu0/regs/identification/midr_el1");
    told.part = (int32_t)(midr >> 24 & 255) << 12 | (int32_t)(midr >> 4 & 4095);
    told.page = *root ? 0 : sysconf(_SC_PAGESIZE);
    told.huge_page = read_number(root, "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size");
    return told;
}

// The table, and the machine in use.

static pthread_once_t table_once = PTHREAD_ONCE_INIT, current_once = PTHREAD_ONCE_INIT;
static ck_machine completed[32], current;

static void complete_table(void) {
    for (int32_t i = 0; i < machine_row_count; i++) {
        completed[i] = machine_rows[i].machine;
        completed[i].core_source = completed[i].l1.source;
        ck_machine_complete(&completed[i]);
    }
}

const ck_machine *ck_machine_table(int32_t *count) {
    pthread_once(&table_once, complete_table);
    *count = machine_row_count;
    return completed;
}

const ck_machine *ck_machine_named(const char *name, char *message, int64_t message_size) {
    int32_t count;
    const ck_machine *rows = ck_machine_table(&count);
    char list[400] = "";
    for (int32_t i = 0; i < count; i++) {
        if (strcmp(rows[i].name, name) == 0) return &rows[i];
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%.23s", i ? ", " : "", rows[i].name);
    }
    snprintf(message, (size_t)message_size, "LANES_MACHINE=%s is not in the table of machines; known: %s", name, list);
    return NULL;
}

static void describe_current(void) {
    const char *name = getenv("LANES_MACHINE");
    if (name && *name) {
        char message[600];
        const ck_machine *row = ck_machine_named(name, message, sizeof message);
        if (!row) {
            fprintf(stderr, "swift-lanes: %s\n", message);
            exit(2);
        }
        current = *row;
        current.forced = true;
        return;
    }
    const ck_machine_told told = ck_machine_ask("");
    current = ck_machine_from(&told);
}

const ck_machine *ck_machine_current(void) {
    pthread_once(&current_once, describe_current);
    return &current;
}
