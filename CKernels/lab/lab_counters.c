// Events that the processor or the system counts for the calling thread.
#define _GNU_SOURCE
#include "ck_lab.h"

#if defined(__linux__)
#include <linux/perf_event.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct event {
    uint32_t type;
    uint64_t config;
} events[] = {
    [CK_LAB_CYCLES] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES},
    [CK_LAB_INSTRUCTIONS] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS},
    [CK_LAB_BRANCH_MISSES] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES},
    [CK_LAB_ADDRESS_MISSES] = {PERF_TYPE_HW_CACHE, PERF_COUNT_HW_CACHE_DTLB | PERF_COUNT_HW_CACHE_OP_READ << 8 |
                                                       PERF_COUNT_HW_CACHE_RESULT_MISS << 16},
    [CK_LAB_PAGE_FAULTS] = {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS},
};

int ck_lab_open_counter(ck_lab_counter counter) {
    struct perf_event_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.size = sizeof attributes;
    attributes.type = events[counter].type;
    attributes.config = events[counter].config;
    attributes.exclude_kernel = attributes.exclude_hv = 1; // what every user may count
    attributes.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
    return (int)syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

int64_t ck_lab_read_counter(int descriptor) {
    struct {
        uint64_t value, enabled, running;
    } count;
    if (read(descriptor, &count, sizeof count) != sizeof count || count.running != count.enabled) return -1;
    return (int64_t)count.value;
}

void ck_lab_close_counter(int descriptor) { close(descriptor); }
#else
int ck_lab_open_counter(ck_lab_counter counter) {
    (void)counter;
    return -1;
}
int64_t ck_lab_read_counter(int descriptor) {
    (void)descriptor;
    return -1;
}
void ck_lab_close_counter(int descriptor) { (void)descriptor; }
#endif
