# seconds: 110, on two cores, where the packages are installed
run_lab() {
    step "the laboratory"
    tools/setup python3 gcc libc6-dev gnuplot-nox libopenblas0
    tools/lanes lab --help >/dev/null
    local lanes=$root/tools/.build/release/lanes status
    [ "$("$lanes" lab list --json | python3 -c 'import json, sys; print(len(json.load(sys.stdin)["experiments"]))')" = "$(experiment_count)" ] || fail "lanes lab list"
    "$lanes" lab run trust false-sharing amdahl bandwidth --quick --json --out "$work/lab" >"$work/first.json"
    "$lanes" lab run trust false-sharing amdahl bandwidth --quick --json >"$work/second.json"
    python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
assert [e["id"] for e in d["experiments"]] == ["trust", "false-sharing", "bandwidth", "amdahl"] and d["machine"]["processor"]
for e in d["experiments"]:
    assert e["verdict"] in ("supported", "refuted", "notTestable") and e["explanation"]
    assert e["verdict"] == "notTestable" or e["series"]' "$work/first.json"
    for file in index.html lab.json trust.csv trust.gp bandwidth.csv; do [ -s "$work/lab/$file" ] || fail "the laboratory's $file"; done
    grep -q '<svg' "$work/lab/index.html" && ! grep -q '<script' "$work/lab/index.html" || fail "the laboratory's page"
    (cd "$work/lab" && gnuplot trust.gp && [ -s trust.svg ]) || fail "a plot script beside the page"
    ok "lanes lab run: verdicts, JSON, page, tables, plot scripts"
    "$lanes" report "$work/first.json" --out "$work/lab2" >/dev/null && cmp "$work/lab/trust.csv" "$work/lab2/trust.csv" || fail "lanes report"
    grep -q '<ol class=findings>' "$work/lab/index.html" && grep -q '<title>[^<]*GB/s ([0-9.]* to [0-9.]* in [0-9]* samples)</title>' "$work/lab/index.html" &&
        grep -q '<svg role="img" aria-label="False sharing' "$work/lab/index.html" && ! grep -q 'onmouse' "$work/lab/index.html" || fail "findings, tooltips and names of the laboratory's page"
    python3 -c 'import html.parser, sys
ids, references = [], []
class Page(html.parser.HTMLParser):
    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name == "id": ids.append(value)
            if name in ("href", "xlink:href") and value.startswith("#"): references.append(value[1:])
Page().feed(open(sys.argv[1]).read())
assert len(ids) == len(set(ids)), "an id comes twice"
assert set(references) <= set(ids), set(references) - set(ids)' "$work/lab/index.html" || fail "ids of the laboratory's page"
    "$lanes" report "$work/first.json" "$work/second.json" --out "$work/pair" >/dev/null && [ "$(grep -c '<div class=pair>' "$work/pair/index.html")" = 4 ] || fail "lanes report of two runs"
    "$lanes" diff "$work/first.json" "$work/first.json" | grep -q ' 0 better, 0 worse' || fail "a run differs from itself"
    python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
for e in d["experiments"]:
    for s in e["series"]:
        for p in s["points"]:
            p["y"] *= 3
            p["samples"] = [3 * x for x in p["samples"]]
json.dump(d, open(sys.argv[2], "w"))
d["machine"]["processor"] = "another"
json.dump(d, open(sys.argv[3], "w"))' "$work/first.json" "$work/slow.json" "$work/other.json"
    status=0
    "$lanes" diff "$work/first.json" "$work/slow.json" >"$work/out" || status=$?
    [ $status = 1 ] && grep -q 'worse' "$work/out" || fail "a run that is three times as slow"
    status=0
    "$lanes" diff "$work/first.json" "$work/other.json" >"$work/out" 2>&1 || status=$?
    [ $status = 1 ] && grep -q 'the runs are not comparable' "$work/out" || fail "runs of two processors"
    "$lanes" diff "$work/first.json" "$work/second.json" --tolerance 900 >/dev/null || fail "two runs of one machine"
    ok "lanes report and lanes diff"
    python3 Tests/hostile/laboratory.py "$lanes" "$work/first.json" "$work/hostile/files" >"$work/out" 2>&1 || { cat "$work/out"; fail "hostile results of the laboratory"; }
    ok "hostile results of the laboratory: no command is run, nothing is written elsewhere"
    for arguments in "lab run nonsense" "lab run" "lab run roofline --peer nonsense" "lab run roofline --peer a=/missing" "lab run trust --no-peers --peer a=/b" "report" "report a b c" "diff a" "diff --tolerance -1 a b"; do
        status=0
        # shellcheck disable=SC2086
        "$lanes" $arguments >"$work/out" 2>&1 || status=$?
        [ $status = 2 ] && [ -s "$work/out" ] || { cat "$work/out"; fail "lanes $arguments ended with $status instead of 2"; }
    done
    for file in "$work/missing.json" "$work/train.json" tools/test; do
        status=0
        "$lanes" report "$file" --out "$work/none" >"$work/out" 2>&1 || status=$?
        [ $status = 1 ] && grep -q "$file" "$work/out" && [ ! -e "$work/none" ] || { cat "$work/out"; fail "lanes report $file"; }
    done
    ok "bad usage of the laboratory explains itself"
    # Other machines' noise is no fault of ours: one of three tries is enough.
    crosschecked() {
        tools/crosscheck programs 21 --json >"$work/cross.json" && python3 -c 'import json, sys
rows = json.load(open(sys.argv[1]))["programs"]
assert len(rows) >= 10 and all(r["lanes"] > 0 and r["other"] > 0 and r["pairs"] == 21 for r in rows), rows
# Neighbours disturb single pairs; what is in the first two caches is ours alone.
assert all(0.9 < r["ratio"] < 1.1 for r in rows if r["what"] in ("load from 16 KiB", "load from 256 KiB")), rows
assert all(0.6 < r["ratio"] < 1.6 for r in rows), rows' "$work/cross.json"
    }
    crosschecked || crosschecked || crosschecked || fail "the laboratory beside plain C programs"
    for arguments in nonsense "programs 0" "runs x" "programs 5 6"; do
        # shellcheck disable=SC2086
        tools/crosscheck $arguments >"$work/out" 2>&1 && fail "tools/crosscheck $arguments ended well"
        grep -q 'expected programs' "$work/out" || { cat "$work/out"; fail "tools/crosscheck $arguments"; }
    done
    ok "the laboratory's figures beside plain C programs"
    local file
    for file in bench/exercises/[a-z]*.c; do
        [ "$file" != bench/exercises/check.c ] || continue
        for part in "-DEXERCISE_START" "-DEXERCISE_OURS" ""; do
            # shellcheck disable=SC2086
            clang -std=gnu17 -O1 -march=native -Wall -Wextra -Werror $part -fsyntax-only "$file" || fail "$file $part"
        done
    done
    python3 Tests/exercises/check.py "$lanes" "$work/exercises" >"$work/out" 2>&1 || { tail -n 20 "$work/out"; fail "the exercises"; }
    ok "exercises: $(tail -n 1 "$work/out"): right, slow, wrong, cheating, outside, crashing, endless and the like"
    # A process that is given no huge pages has no verdict about them.
    python3 -c 'import ctypes, os, sys
PR_SET_THP_DISABLE = 41
ctypes.CDLL(None).prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)
os.execv(sys.argv[1], sys.argv[1:])' "$lanes" lab run huge-pages tlb page-fault --quick >"$work/out"
    [ "$(grep -c 'not testable here' "$work/out")" = 2 ] && ! grep -q 'In huge pages' "$work/out" || { cat "$work/out"; fail "huge pages that the system does not give"; }
    ok "huge pages that the system does not give are no huge pages"
    local processor=$(($(nproc) - 1))
    taskset -c $processor "$lanes" lab run fork-join amdahl --quick >"$work/out" && [ "$(grep -c 'not testable here' "$work/out")" = 2 ] || { cat "$work/out"; fail "the laboratory on one processor"; }
    ok "the laboratory on one processor says what it cannot test"
}
