# seconds: 2400, on two cores, where the packages are installed
run_nightly() {
    find_mutants
    tools/setup libhwloc-dev libnuma-dev pkg-config
    find_mutants --swift
    tools/lanes --version
    fail_allocations 1
}
