# seconds: 65, on two cores, where the packages are installed
run_train() {
    step "training"
    tools/setup python3 python3-numpy strace sqlite3 dataset-fashion-mnist
    tools/lanes train --help >/dev/null
    local lanes=$root/tools/.build/release/lanes isa threads parallel machine
    local quick=(train --synthetic --epochs 2 --dropout 0.2 --json)
    cd "$work"
    "$lanes" "${quick[@]}" --checkpoint first.safetensors >train.json
    python3 -c 'import json; d = json.load(open("train.json")); assert 0.9 < d["testAccuracy"] <= 1 and d["samplesPerSecond"] > 0
assert sum(map(sum, d["confusion"])) == 2000 and d["steps"] == 314 and d["threads"] >= 1 and d["seconds"] > 0 and d["isa"] and d["checkpoint"]'
    ok "lanes train learns drawn digits"
    for parallel in products shards:16; do
        "$lanes" "${quick[@]}" --parallel $parallel --threads 1 --checkpoint one.safetensors >/dev/null
        for threads in 2 3 8; do
            "$lanes" "${quick[@]}" --parallel $parallel --threads $threads --checkpoint other.safetensors >/dev/null
            cmp one.safetensors other.safetensors || fail "$threads threads train another model ($parallel)"
        done
        for isa in $(expected_isas); do
            LANES_ISA=$isa "$lanes" "${quick[@]}" --epochs 1 --parallel $parallel --checkpoint "$isa.safetensors" >/dev/null
            cmp portable.safetensors "$isa.safetensors" || fail "$isa trains another model ($parallel)"
        done
        for machine in golden-cove haswell neoverse-n1 tiny; do
            LANES_MACHINE=$machine "$lanes" "${quick[@]}" --epochs 1 --parallel $parallel --checkpoint machine.safetensors >/dev/null
            cmp portable.safetensors machine.safetensors || fail "$machine trains another model ($parallel)"
        done
    done
    ok "the same bytes for 1, 2, 3 and 8 threads, on every instruction set and for plans of other machines"
    # With the control register set to flush subnormal numbers a training has the same bytes: it never produces one, so no processor is slowed
    # down by them. Inputs that are mostly 0 let means decay for thousands of steps.
    printf '%s\n' '#include <fenv.h>' '#if defined(__x86_64__)' '#include <xmmintrin.h>' \
        '__attribute__((constructor)) static void on(void) { _mm_setcsr(_mm_getcsr() | 0x8040); }' '#endif' >flush.c
    cc -O1 -shared -fPIC flush.c -o flush.so
    for parallel in "--batch 16" "--sgd --momentum 0.9"; do
        # shellcheck disable=SC2086
        "$lanes" train --epochs 2 --constant-rate --dropout 0 $parallel --checkpoint gradual.safetensors >/dev/null
        # shellcheck disable=SC2086
        LD_PRELOAD=$work/flush.so "$lanes" train --epochs 2 --constant-rate --dropout 0 $parallel --checkpoint flushed.safetensors >/dev/null
        cmp gradual.safetensors flushed.safetensors || fail "subnormal numbers in a training with $parallel"
    done
    ok "a training produces no subnormal number"
    "$lanes" train --synthetic --epochs 40 --augment 1 --every 5 --checkpoint cut.safetensors >out 2>&1 &
    local pid=$! status=0
    sleep 0.7
    kill -INT $pid
    wait $pid || status=$?
    [ $status = 130 ] && grep -q 'interrupted; the checkpoint holds' out || { cat out; fail "an interrupted training ended with $status"; }
    "$lanes" train --synthetic --epochs 40 --augment 1 --resume cut.safetensors --checkpoint resumed.safetensors --json >/dev/null
    "$lanes" train --synthetic --epochs 40 --augment 1 --checkpoint whole.safetensors --json >/dev/null
    cmp resumed.safetensors whole.safetensors || fail "a resumed training ends elsewhere than one that was never interrupted"
    status=0
    "$lanes" train --synthetic --epochs 40 --augment 1 --batch 128 --resume cut.safetensors >out 2>&1 || status=$?
    [ $status = 1 ] && grep -q 'was trained in batches of 64, not 128' out || { cat out; fail "a resumed training with another batch"; }
    "$lanes" train --synthetic --epochs 45 --augment 1 --sgd --resume resumed.safetensors --checkpoint other.safetensors --json >train.json
    python3 -c 'import json; d = json.load(open("train.json")); assert d["testAccuracy"] > 0.9, d["testAccuracy"]' || fail "resumed with another optimizer"
    ok "interrupted and resumed: the same bytes as in one go"
    # Killed at any moment, the file is the old or the new one.
    cp first.safetensors kill.safetensors
    for delay in 0.20 0.25 0.30 0.35 0.40 0.45; do
        "$lanes" train --synthetic --epochs 1000 --every 1 --checkpoint kill.safetensors --json >/dev/null 2>&1 &
        pid=$!
        sleep $delay
        kill -KILL $pid
        wait $pid 2>/dev/null || true
        "$lanes" predict --checkpoint kill.safetensors --first 1 /usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz >out 2>&1 || { cat out; fail "a checkpoint whose writer was killed"; }
    done
    ok "a killed writer leaves a whole checkpoint"
    local fault
    if strace -f -qq -o /dev/null true 2>/dev/null; then
        for fault in fsync:error=ENOSPC fsync:error=EIO rename:error=EACCES; do
            cp first.safetensors fault.safetensors
            status=0
            strace -f -qq -o /dev/null -e trace="${fault%%:*}" -e inject="$fault" "$lanes" "${quick[@]}" --epochs 1 --checkpoint fault.safetensors >out 2>&1 || status=$?
            [ $status = 1 ] && grep -q "checkpoint 'fault.safetensors': cannot" out || { cat out; fail "$fault ended with $status"; }
            cmp first.safetensors fault.safetensors || fail "$fault changed the old checkpoint"
        done
        [ -z "$(find . -name '*.tmp' ! -name 'kill*')" ] || fail "a temporary file was left"
        ok "a disk that is full, broken or forbidden: an error, and the old checkpoint stays"
        python3 "$root/Tests/hostile/checkpoint_calls.py" "$lanes" "$work/checkpoint_calls" >out 2>&1 || { cat out; fail "a system call of a checkpoint's write"; }
        ok "$(tail -n 1 out)"
    else
        echo "skipped: strace may not trace here, so no system call can be made to fail"
    fi
    fail_allocations 11
    status=0
    "$lanes" train --synthetic --sgd --rate 1e30 --dropout 0 --epochs 1 --checkpoint nan.safetensors >out 2>&1 || status=$?
    [ $status = 1 ] && grep -q 'the step was not taken' out && [ ! -e nan.safetensors ] || { cat out; fail "a training that diverges"; }
    ok "a loss that is not finite stops before the step"
    "$lanes" "${quick[@]}" --log log.sqlite --every 100 --checkpoint log.safetensors >/dev/null
    "$lanes" "${quick[@]}" --log log.jsonl --every 100 --checkpoint log.safetensors >/dev/null
    [ "$(sqlite3 log.sqlite 'SELECT count(*), sum(images) FROM training')" = "314|20000" ] && [ "$(sqlite3 log.sqlite 'SELECT count(*) FROM validation')" = 5 ] &&
        [ "$(sqlite3 log.sqlite 'SELECT sum(count) FROM confusion')" = 2000 ] || fail "the SQLite log"
    python3 -c 'import collections, json; c = collections.Counter(json.loads(l)["table"] for l in open("log.jsonl")); assert c == {"training": 314, "validation": 5, "confusion": 100}, c'
    # A reader with a transaction of its own, and a second training into the same file, do not end the first.
    rm -f log.sqlite
    "$lanes" "${quick[@]}" --log log.sqlite --every 10 --checkpoint log.safetensors >/dev/null
    python3 -c 'import sqlite3, time; c = sqlite3.connect("log.sqlite", isolation_level=None); c.execute("BEGIN"); c.execute("SELECT count(*) FROM training").fetchall(); time.sleep(4)' &
    local reader=$!
    sleep 0.3
    "$lanes" "${quick[@]}" --log log.sqlite --every 10 --checkpoint log2.safetensors >/dev/null &
    local second=$!
    "$lanes" "${quick[@]}" --log log.sqlite --every 10 --checkpoint log.safetensors >/dev/null || fail "a log that is read meanwhile"
    wait $second || fail "two trainings into one log"
    wait $reader
    [ "$(sqlite3 log.sqlite 'SELECT count(*) FROM training')" = $((3 * 314)) ] || fail "rows of three trainings"
    "$lanes" "${quick[@]}" --log file:x.sqlite --checkpoint log.safetensors >/dev/null && [ -f file:x.sqlite ] || fail "a log whose name looks like a URI"
    status=0
    "$lanes" "${quick[@]}" --log /proc/x.sqlite --checkpoint log.safetensors >out 2>&1 || status=$?
    [ $status = 1 ] && grep -q "cannot open the log '/proc/x.sqlite'" out || { cat out; fail "a log that cannot be written ended with $status"; }
    ok "logs in SQLite and JSON lines; read meanwhile, written by two, with an odd name"
    python3 -c 'import struct, zlib
pixels = bytes((i * 37) % 256 for i in range(784))
open("a.pgm", "wb").write(b"P5\n# a comment\n28 28\n255\n" + pixels)
chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
rows = b"".join(b"\0" + pixels[28 * r:28 * r + 28] for r in range(28))
open("a.png", "wb").write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 28, 28, 8, 0, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
open("a.idx", "wb").write(struct.pack(">IIII", 0x803, 1, 28, 28) + pixels)
open("bad.png", "wb").write(open("a.png", "rb").read()[:60])
open("bad.pgm", "wb").write(b"P5 28 28 255\n" + pixels[:100])'
    "$lanes" predict --checkpoint first.safetensors a.pgm a.png a.idx --json >predict.json
    python3 -c 'import json; p = json.load(open("predict.json"))["predictions"]; assert len(p) == 3 and len({(x["class"], x["probability"]) for x in p}) == 1, p'
    mkfifo pipe.png
    for file in bad.png bad.pgm train.json missing.png pipe.png; do
        status=0
        timeout 20 "$lanes" predict --checkpoint first.safetensors $file >out 2>&1 || status=$?
        [ $status = 1 ] && grep -q "$file" out || { cat out; fail "lanes predict $file ended with $status"; }
    done
    status=0
    "$lanes" predict --checkpoint a.png a.png >out 2>&1 || status=$?
    [ $status = 1 ] && grep -q "checkpoint 'a.png'" out || { cat out; fail "a foreign checkpoint"; }
    ok "lanes predict reads PNG, PGM and IDX, and refuses the rest"
    # A small file that unfolds to a large one: memory for its results, not for a copy of it in numbers of four bytes.
    python3 -c 'import gzip, json, resource, struct, subprocess, sys
count = 300_000
with gzip.open("bomb.gz", "wb") as f:
    f.write(struct.pack(">IIII", 0x803, count, 28, 28))
    for _ in range(count // 1000): f.write(bytes(784_000))
subprocess.run([sys.argv[1], "predict", "--checkpoint", "first.safetensors", "bomb.gz"], check=True, stdout=subprocess.DEVNULL)
held = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
assert held < 250, f"{held} MiB for {count} images"' "$lanes" || fail "a file that unfolds far"
    ok "a gzip file that unfolds to 235 MB is read in pieces"
    # The limit of file sizes is an error that is told, and no temporary file stays.
    mkdir limited
    for arguments in "--checkpoint limited/c.safetensors" "--checkpoint c.safetensors --log limited/l.sqlite"; do
        status=0
        # shellcheck disable=SC2086
        (ulimit -f 4 && exec "$lanes" "${quick[@]}" $arguments) >out 2>&1 || status=$?
        [ $status = 1 ] && grep -q "^Error: .*'limited/" out && [ -z "$(find limited -name '*.tmp')" ] ||
            { cat out; ls limited; fail "lanes train $arguments at the limit of file sizes ended with $status"; }
    done
    ok "at the limit of file sizes (ulimit -f) the write that failed is named and no temporary file stays"
    status=0
    "$lanes" predict --checkpoint first.safetensors $'\xff.png' >out 2>&1 || status=$?
    [ $status = 2 ] && grep -q "argument 4, .* is not UTF-8" out || { cat out; fail "a name that is not UTF-8 ended with $status"; }
    ok "names that are not UTF-8 are refused, not replaced"
    for arguments in "--batch 0" "--epochs 0" "--rate -1" "--parallel shards:0" "--parallel both" "--hidden 1,x" "--init none" "--dropout 1" "--momentum 0.5" "--threads 0" "--synthetic --data ." "--compare --synthetic" "--speedup --resume x"; do
        status=0
        # shellcheck disable=SC2086
        "$lanes" train $arguments >out 2>&1 || status=$?
        [ $status = 2 ] && [ -s out ] || { cat out; fail "lanes train $arguments ended with $status instead of 2"; }
    done
    ok "bad usage of lanes train explains itself"
    "$lanes" train --compare --json >compare.json
    python3 -c 'import json; rows = json.load(open("compare.json"))["rows"]; own = [r for r in rows if r["name"] == "lanes"]
for r in rows:
    assert r["samplesPerSecond"] > 0 and all(abs(a - b) < 0.007 for a, b in zip(r["accuracies"], own[0]["accuracies"])), rows' || fail "NumPy learns something else"
    ok "after 1, 2 and 3 epochs NumPy reads as many images as we do, within 0.7 points"
    cd "$root"
}
