# seconds: 150, on two cores, where the packages are installed
# Faults of one line in the kernels: each must be found. Ten of them, other ones every day; all of them in the nightly form.
find_mutants() {
    step mutants
    tools/setup python3 libc6-dev
    python3 Tests/mutants/run.py "$work/mutants" "$@" >"$work/out" 2>&1 || { cat "$work/out"; fail "a planted fault that nothing finds"; }
    ok "$(tail -n 1 "$work/out")"
}

run_mutants() { find_mutants --sample 10; }
