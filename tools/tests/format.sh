# seconds: 20, on two cores, where the packages are installed
run_format() {
    step format
    swift format lint --strict --recursive --parallel Package.swift Sources Tests bench tools/Package.swift tools/Sources 2>&1 |
        cat >"$work/format" || { head -n 40 "$work/format"; fail "swift format"; }
    ok "swift format"
    ! grep -rnI $'\t\| $' --include='*.[chS]' --include='*.swift' --include='*.md' CKernels Sources Tests bench tools/Sources ./*.md ||
        fail "tabs or trailing blanks"
    ok "no tabs, no trailing blanks"
}
