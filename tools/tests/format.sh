# seconds: 2, on two cores, where the packages are installed
run_format() {
    step format
    swift format lint --strict --recursive --parallel Package.swift Sources Tests bench tools/Package.swift tools/Sources 2>&1 |
        cat >"$work/format" || { head -n 40 "$work/format"; fail "swift format"; }
    ok "swift format"
    ! grep -rnI $'\t\| $' --include='*.[chS]' --include='*.swift' --include='*.md' CKernels Sources Tests bench docs tools/Sources ./*.md ||
        fail "tabs or trailing blanks"
    ok "no tabs, no trailing blanks"
    tools/setup clang-format-19
    git ls-files -z '*.c' '*.h' | xargs -0 clang-format-19 --dry-run -Werror >"$work/format" 2>&1 || { head -n 20 "$work/format"; fail "clang-format"; }
    # Tables of Markdown cannot be broken; the guide's template is wrapped once it is filled.
    local long
    git ls-files '*.c' | grep -q . || fail "git lists no files"
    long=$(git ls-files -z '*.c' '*.h' '*.md' ':!docs/parallelism.template.md' |
        LC_ALL=C.UTF-8 xargs -0 grep -nE '^.{120}' /dev/null | grep -v '^[^:]*:[0-9]*:|' || true)
    [ -z "$long" ] || { cut -c1-140 <<<"$long"; fail "a line of 120 columns or more"; }
    ok "C as clang-format writes it, no line over 120 columns"
}
