// How many processors this process may use: its affinity mask, the CPU quota of its control groups, and the user's
// word.
#define _GNU_SOURCE
#include "ck_cpu.h"
#include "cpu_files.h"

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#if defined(__linux__)
#include <sched.h>
#endif

int32_t ck_cpu_mask_count(void) {
#if defined(__linux__)
    // The kernel refuses a set smaller than its own, whatever the machine's size.
    for (int processors = 1024; processors <= 1 << 20; processors *= 2) {
        cpu_set_t *set = CPU_ALLOC(processors);
        if (!set) break;
        const size_t size = CPU_ALLOC_SIZE(processors);
        const int result = sched_getaffinity(0, size, set);
        const int count = result == 0 ? CPU_COUNT_S(size, set) : 0;
        CPU_FREE(set);
        if (result == 0) return count > 0 ? count : 1;
        if (errno != EINVAL) break;
    }
#endif
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int32_t)online : 1;
}

// The quota of a group and of every group above it, up to the controller's mount point.
static void read_groups(const char *mount, char *group, bool version_1, double *quota) {
    char path[4400], line[128];
    for (;;) {
        double budget = 0, period = 0;
        if (version_1) {
            snprintf(path, sizeof path, "%s%s/cpu.cfs_quota_us", mount, group);
            if (read_line(path, line, sizeof line)) budget = atof(line);
            snprintf(path, sizeof path, "%s%s/cpu.cfs_period_us", mount, group);
            if (read_line(path, line, sizeof line)) period = atof(line);
        } else {
            snprintf(path, sizeof path, "%s%s/cpu.max", mount, group);
            if (read_line(path, line, sizeof line))
                sscanf(line, "%lf %lf", &budget, &period); // "max" leaves both at 0
        }
        if (budget > 0 && period > 0 && (*quota == 0 || budget / period < *quota)) *quota = budget / period;
        char *slash = strrchr(group, '/');
        if (!slash) return;
        *slash = 0;
    }
}

double ck_cpu_quota(const char *root) {
    char path[4200], line[4096], mount[4200];
    double quota = 0;
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    while (fgets(line, sizeof line, file)) { // hierarchy:controllers:path
        line[strcspn(line, "\n")] = 0;
        char *controllers = strchr(line, ':');
        char *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group) continue;
        *controllers++ = 0;
        *group++ = 0;
        if (strcmp(group, "/") == 0) *group = 0;
        if (*controllers == 0) {
            snprintf(mount, sizeof mount, "%s/sys/fs/cgroup", root);
            read_groups(mount, group, false, &quota);
        } else {
            char padded[4100];
            snprintf(padded, sizeof padded, ",%s,", controllers);
            if (!strstr(padded, ",cpu,")) continue;
            // Inside a container the path may be the host's; the mount point then is the group itself.
            char copy[4096];
            snprintf(copy, sizeof copy, "%s", group);
            snprintf(mount, sizeof mount, "%s/sys/fs/cgroup/%.200s", root, controllers);
            read_groups(mount, copy, true, &quota);
            snprintf(mount, sizeof mount, "%s/sys/fs/cgroup/cpu", root);
            read_groups(mount, group, true, &quota);
        }
    }
    fclose(file);
    return quota;
}

int32_t ck_cpu_core_count(const char *root) {
    const int32_t processors = ck_cpu_mask_count();
#if defined(__linux__)
    cpu_set_t mask, seen;
    CPU_ZERO(&mask);
    CPU_ZERO(&seen);
    if (sched_getaffinity(0, sizeof mask, &mask)) return processors; // more than 1024 processors: hwloc knows them
    int32_t cores = 0;
    for (int processor = 0; processor < CPU_SETSIZE; processor++) {
        if (!CPU_ISSET(processor, &mask) || CPU_ISSET(processor, &seen)) continue;
        cores++;
        char path[512], list[256];
        snprintf(path, sizeof path, "%s/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", root, processor);
        if (!read_line(path, list, sizeof list)) continue;
        const char *rest = list;
        for (long first, last; next_processors(&rest, &first, &last);) // "0,64" or "0-1"
            for (; first <= last && first < CPU_SETSIZE; first++)
                if (first >= 0) CPU_SET((int)first, &seen);
    }
    return cores > 0 ? cores : processors;
#else
    (void)root;
    return processors;
#endif
}

int32_t ck_cpu_lanes_from(const char *wish, int32_t mask_count, int32_t core_count, double quota, char *message,
                          int64_t message_size) {
    const bool has_wish = wish && *wish;
    int32_t lanes = has_wish ? mask_count : core_count;
    if (quota > 0 && ceil(quota) < lanes) lanes = (int32_t)ceil(quota);
    if (has_wish) {
        char *end;
        errno = 0;
        const long number = strtol(wish, &end, 10);
        if (*end || errno || number < 1) {
            snprintf(message, (size_t)message_size, "LANES_NUM_THREADS=%s is not a number of threads, 1 or more",
                     wish);
            return -1;
        }
        if (number < lanes) lanes = (int32_t)number;
    }
    return lanes < 1 ? 1 : lanes;
}

int32_t ck_cpu_lanes(void) {
    static _Atomic int32_t known;
    int32_t lanes = atomic_load_explicit(&known, memory_order_relaxed);
    if (lanes) return lanes;
    char message[256];
    lanes = ck_cpu_lanes_from(getenv("LANES_NUM_THREADS"), ck_cpu_mask_count(), ck_cpu_core_count(""),
                              ck_cpu_quota(""), message, sizeof message);
    if (lanes < 0) {
        fprintf(stderr, "swift-lanes: %s\n", message);
        exit(2);
    }
    atomic_store_explicit(&known, lanes, memory_order_relaxed);
    return lanes;
}
