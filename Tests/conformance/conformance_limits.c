// How many lanes: the affinity mask, cores, CPU quotas of made-up control groups, the user's wish.
#define _GNU_SOURCE
#include "conformance_pool.h"

#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

static void write_text(const char *root, const char *path, const char *text) {
    char full[512], *slash;
    snprintf(full, sizeof full, "%s%s", root, path);
    for (slash = strchr(full + strlen(root) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(full, 0700);
        *slash = '/';
    }
    FILE *file = fopen(full, "w");
    fputs(text, file);
    fclose(file);
}

void test_limits(void) {
    char message[256] = "";
    check(ck_cpu_lanes_from(NULL, 12, 6, 0, message, sizeof message) == 6,
          "limits: cores, not their hardware threads");
    check(ck_cpu_lanes_from("", 12, 6, 2.5, message, sizeof message) == 3, "limits: quota, rounded up");
    check(ck_cpu_lanes_from("2", 12, 6, 2.5, message, sizeof message) == 2, "limits: wish");
    check(ck_cpu_lanes_from("40", 12, 6, 0, message, sizeof message) == 12, "limits: a wish beyond the mask");
    check(ck_cpu_lanes_from(NULL, 12, 6, 0.3, message, sizeof message) == 1, "limits: less than one processor");
    const char *bad[] = {"0", "-1", "two", "3x", "99999999999999999999"};
    for (int i = 0; i < 5; i++)
        check(ck_cpu_lanes_from(bad[i], 12, 6, 0, message, sizeof message) == -1 && strstr(message, bad[i]),
              "limits: LANES_NUM_THREADS=%s", bad[i]);
    check(ck_cpu_mask_count() >= 1, "limits: an empty mask");

    char root[] = "/tmp/conformance-XXXXXX";
    if (!mkdtemp(root)) return;
    // The first two processors of the mask are threads of one core.
    const int32_t processors = ck_cpu_mask_count();
    check(ck_cpu_core_count(root) == processors, "cores: a system that says nothing");
    cpu_set_t mask;
    if (!sched_getaffinity(0, sizeof mask, &mask) && processors >= 2) {
        int pair[2], found = 0;
        for (int i = 0; i < CPU_SETSIZE && found < 2; i++)
            if (CPU_ISSET(i, &mask)) pair[found++] = i;
        for (int i = 0; i < 2; i++) {
            char path[128], list[64];
            snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", pair[i]);
            snprintf(list, sizeof list, pair[1] == pair[0] + 1 ? "%d-%d\n" : "%d,%d\n", pair[0], pair[1]);
            write_text(root, path, list);
        }
        check(ck_cpu_core_count(root) == processors - 1, "cores: two threads of one");
    }
    check(ck_cpu_quota(root) == 0, "quota: no control groups");
    write_text(root, "/proc/self/cgroup", "0::/a/b\n");
    write_text(root, "/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
    check(ck_cpu_quota(root) == 0, "quota: none in version 2");
    write_text(root, "/sys/fs/cgroup/a/cpu.max", "150000 100000\n");
    check(ck_cpu_quota(root) == 1.5, "quota: of the group above");
    write_text(root, "/sys/fs/cgroup/a/b/cpu.max", "50000 100000\n");
    check(ck_cpu_quota(root) == 0.5, "quota: the least");
    check(ck_pool_spin_nanoseconds(1, root) == 0, "spin: workers would use up half a processor");
    write_text(root, "/sys/fs/cgroup/a/b/cpu.max", "200000 100000\n");
    check(ck_pool_spin_nanoseconds(2, root) == 0, "spin: of the group above, 1.5 for 2 lanes");
    write_text(root, "/sys/fs/cgroup/a/cpu.max", "200000 100000\n");
    check(ck_pool_spin_nanoseconds(2, root) == 100000, "spin: a processor for each lane");
    write_text(root, "/proc/self/cgroup", "5:memory:/x\n4:cpu,cpuacct:/y\n");
    check(ck_cpu_quota(root) == 0, "quota: no file of version 1");
    write_text(root, "/sys/fs/cgroup/cpu,cpuacct/y/cpu.cfs_quota_us", "-1\n");
    write_text(root, "/sys/fs/cgroup/cpu,cpuacct/y/cpu.cfs_period_us", "100000\n");
    check(ck_cpu_quota(root) == 0, "quota: none in version 1");
    write_text(root, "/sys/fs/cgroup/cpu,cpuacct/y/cpu.cfs_quota_us", "250000\n");
    check(ck_cpu_quota(root) == 2.5, "quota: version 1");
    char command[600];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    if (system(command)) printf("left %s\n", root);
}
