"""Plants solutions of the laboratory's exercises and asserts that each is told apart.

usage: check.py LANES FOLDER
"""

import json
import os
import subprocess
import sys

lanes, folder = os.path.abspath(sys.argv[1]), sys.argv[2]
checked = 0


def run(*arguments, status=None):
    result = subprocess.run([lanes, "lab", "exercise", *arguments], capture_output=True, text=True, timeout=300)
    if status is not None:
        assert result.returncode == status, (arguments, result.returncode, result.stdout, result.stderr)
    return result


def solution(name, exercise, text, language="c"):
    place = os.path.join(folder, name)
    os.makedirs(place)
    with open(os.path.join(place, f"{exercise}.{language}"), "w") as file:
        file.write(text)
    return place


def expect(name, exercise, verdict, text, *words, more=(), language="c"):
    global checked
    place = solution(name, exercise, text, language)
    result = run("check", place, "--json", *more, status=0 if verdict == "right" else 1)
    attempt = json.loads(result.stdout)
    assert attempt["verdict"] == verdict, (name, attempt)
    for word in words:
        assert word in attempt["reason"], (name, word, attempt["reason"])
    checked += 1
    return attempt


def started(exercise, language="c"):
    place = os.path.join(folder, f"start-{exercise}-{language}")
    run("start", exercise, place, "--language", language, status=0)
    with open(os.path.join(place, f"{exercise}.{language}")) as file:
        return place, file.read()


HEAD = "#include <stdint.h>\n#include <stdlib.h>\n#include <string.h>\n#include <unistd.h>\n#include <stdio.h>\n#include <stdbool.h>\n"
SUM = HEAD + "float sum(int64_t n, const float *x) { %s }\n"
LOOP = "float s = 0; for (int64_t i = 0; i < n; i++) s += x[i]; return s;"
FAST = "float s[8] = {0}; int64_t i = 0; for (; i + 8 <= n; i += 8) for (int j = 0; j < 8; j++) s[j] += x[i + j]; " \
       "float t = 0; for (int j = 0; j < 8; j++) t += s[j]; for (; i < n; i++) t += x[i]; return t;"
RELU = HEAD + "void relu(int64_t n, const float *x, float *y) { %s }\n"

exercises = json.loads(run("list", "--json", status=0).stdout)["exercises"]
assert len(exercises) >= 8 and all(e["question"].endswith("?") for e in exercises)

# What a reader begins with is right, for each exercise and language, and ours is faster.
has_two = len(os.sched_getaffinity(0)) > 1
threaded = {"counters", "histogram", "lock", "queue"}
for exercise in exercises:
    if exercise["name"] in threaded and not has_two:
        place, text = started(exercise["name"])
        assert "this exercise needs 2 processors" in run("check", place, status=1).stderr
        print(f"{exercise['name']} needs two processors")
        continue
    for language in exercise["languages"]:
        place, text = started(exercise["name"], language)
        attempt = json.loads(run("check", place, "--json", status=0).stdout)
        assert attempt["verdict"] == "right" and 0 < attempt["share"] < 1.5, attempt
        # How much a lock costs depends on how far the processors are from each other more than on the lock.
        most = 1.5 if exercise["name"] == "lock" else 1
        assert attempt["nanoseconds"]["ours"] < most * attempt["nanoseconds"]["naive"], attempt
        assert ("address,undefined" if language == "c" else "address") in attempt["sanitizers"] and attempt["next"], attempt
        work = {"sum": 16384, "queue": 100000, "counters": 65536 * attempt["threads"], "lock": 2000 * attempt["threads"]}
        assert attempt["work"] == work.get(exercise["name"], attempt["work"]), attempt
        if attempt["threads"] > 1:
            assert "thread" in attempt["sanitizers"] + attempt["missingSanitizers"], attempt
        checked += 1

# A better one, a slower one, a wrong one.
better = expect("better", "sum", "right", SUM % FAST, "times as fast as the form that you began with")
slower = expect("slower", "sum", "right", SUM % ("for (volatile int64_t i = 0; i < 8 * n; i++) {} " + LOOP), "slower than the form")
assert slower["share"] < better["share"], (slower, better)
expect("wrong", "sum", "wrong", SUM % "float s = 0; for (int64_t i = 0; i + 1 < n; i++) s += x[i]; return s;", "the sum of 1 numbers is")
expect("nan", "sum", "wrong", SUM % ("if (n == 127) return 0.0f / 0.0f; " + LOOP), "the sum of 127 numbers is")
# Cheats: a constant, no work, results of before.
expect("constant", "sum", "constant", SUM % "return 42;")
expect("skips", "relu", "skipped", RELU % "")
expect("half", "relu", "wrong", RELU % "for (int64_t i = 0; i < n / 2; i++) y[i] = x[i] > 0 ? x[i] : 0;")
expect("remembers", "sum", "remembers",
       HEAD + "static const float *last; static int64_t length; static float result;\nfloat sum(int64_t n, const float *x) { "
       "if (n >= 4096 && last == x && length == n) return result; "
       "last = x; length = n; float s = 0; for (int64_t i = 0; i < n; i++) s += x[i]; return result = s; }\n")
expect("prints", "sum", "constant", SUM % 'printf("right 9 sizes\\nend\\n"); fflush(stdout); return 1;')
# Outside: after the end, before the beginning, into an input; read and written.
expect("after", "relu", "outside", RELU % "for (int64_t i = 0; i <= n; i++) y[i] = x[i] > 0 ? x[i] : 0;", "after the end of")
expect("before", "relu", "outside",
       RELU % "for (int64_t i = 0; i < n; i++) y[i] = x[i] > 0 ? x[i] : 0; if (n == 15) y[-1] = 1;", "before the beginning of y")
expect("input", "relu", "outside", RELU % "if (n > 0) *(float *)x = 0;", "writes to x, which is an input")
expect("reads", "sum", "outside", SUM % "float s = 0; for (int64_t i = 0; i < n + 1; i++) s += x[i]; return s;", "reads 0 bytes after the end of x")
expect("front", "relu", "outside", RELU % "for (int64_t i = n - 1; i >= -1; i--) y[i] = x[i] > 0 ? x[i] : 0;", "before the beginning of")
# Crashes, endless, exits, files, memory.
expect("null", "sum", "crashes", SUM % "return *(volatile float *)0;", "at address 0")
if os.uname().machine == "x86_64":
    aligned = '__asm__ volatile("movaps (%0), %%xmm0" : : "r"(x) : "xmm0"); '
    expect("misaligned", "sum", "crashes", SUM % ("if (n >= 4) " + aligned + LOOP), "aligned(4)")
expect("abort", "sum", "crashes", SUM % "abort();")
expect("stack", "sum", "crashes", HEAD + "static int64_t deep(volatile int64_t *x) { volatile int64_t y[100]; y[0] = *x; return deep(y) + y[1]; }\n"
       "float sum(int64_t n, const float *x) { volatile int64_t z = n; return (float)deep(&z) + x[0]; }\n")
expect("endless", "sum", "endless", SUM % "for (volatile int i = 0;;) i++;", more=["--seconds", "2"])
expect("asleep", "sum", "endless", SUM % "sleep(100); return 0;", more=["--seconds", "2"])
expect("exits", "sum", "exits", SUM % "_exit(0);")
expect("constructor", "sum", "exits", HEAD + "__attribute__((constructor)) static void early(void) { _exit(0); }\n" + (SUM % LOOP)[len(HEAD):])
expect("file", "sum", "writesFile", SUM % ('FILE *f = fopen("planted", "w"); if (f) { fputs("x", f); fclose(f); } ' + LOOP))
assert not os.path.exists("planted")
expect("memory", "sum", "crashes", SUM % "for (;;) { volatile char *p = malloc(1 << 28); p[0] = 1; }",
       "at address 0")
# Not compiled: an error, no such function.
expect("syntax", "sum", "doesNotCompile", SUM % "return", "error:")
expect("missing", "sum", "doesNotCompile", HEAD + "float total(int64_t n, const float *x) { (void)n; return x[0]; }\n", "no function sum")
# Right here, and found by a sanitizer.
expect("overflow", "sum", "undefined", SUM % ("volatile int big = 2147483647; big = big + 1; " + LOOP), "signed integer overflow")
expect("heap", "sum", "undefined", SUM % ("volatile char *p = malloc(10); p[10] = 1; " + LOOP), "heap-buffer-overflow")
# The board keeps them, and draws.
place = os.path.join(folder, "better")
run("check", place, status=0)
board = run("board", place, "--out", os.path.join(place, "board.html"), status=0).stdout
assert "sum: 2 attempt(s), the best at" in board and "#" in board, board
with open(os.path.join(place, "board.html")) as page:
    text = page.read()
    assert "<svg" in text and "<script" not in text
assert len(json.loads(run("board", place, "--json", status=0).stdout)["attempts"]) == 2
# What the file of attempts holds is text, wherever it comes from.
with open(os.path.join(place, "attempts.jsonl")) as file:
    attempt = json.loads(file.readline())
attempt["reason"] = "<script>`touch planted`\u001b[2J"
attempt["exercise"] = "<script>"
with open(os.path.join(place, "attempts.jsonl"), "a") as file:
    file.write(json.dumps(attempt) + "\n")
out = run("board", place, "--out", os.path.join(place, "board.html"), status=0).stdout
assert "\u001b" not in out
with open(os.path.join(place, "board.html")) as page:
    assert "<script" not in page.read()
for share in ("1e300", "0", "-1"):
    hostile = dict(attempt, share=float(share))
    name = solution(f"hostile{share}", "sum", SUM % LOOP)
    with open(os.path.join(name, "attempts.jsonl"), "w") as file:
        file.write(json.dumps(hostile) + "\n")
    assert "line 1: holds a number that no attempt has" in run("board", name, status=1).stderr
with open(os.path.join(place, "attempts.jsonl"), "a") as file:
    file.write("{}\n")
assert "line 4: this is no attempt" in run("board", place, status=1).stderr

# Bad usage explains itself, and nothing is overwritten.
place = os.path.join(folder, "start-sum-c")
with open(os.path.join(place, "sum.c"), "a") as file:
    file.write("// mine\n")
assert "is there already; it stays as it is" in run("start", "sum", place, status=1).stderr
with open(os.path.join(place, "sum.c")) as file:
    assert file.read().endswith("// mine\n")
assert "there is no exercise 'nothing'" in run("start", "nothing", os.path.join(folder, "none"), status=1).stderr
assert "is written in C" in run("start", "lock", os.path.join(folder, "none"), "--language", "swift", status=1).stderr
assert not os.path.exists(os.path.join(folder, "none"))
assert "there is no folder" in run("check", os.path.join(folder, "none"), status=1).stderr
os.makedirs(os.path.join(folder, "empty"))
assert "holds no solution" in run("check", os.path.join(folder, "empty"), status=1).stderr
assert "holds no attempts" in run("board", os.path.join(folder, "empty"), status=1).stderr
solution("two", "sum", SUM % LOOP)
with open(os.path.join(folder, "two", "relu.c"), "w") as file:
    file.write(RELU % "")
assert "say which one" in run("check", os.path.join(folder, "two"), status=1).stderr
run("check", os.path.join(folder, "two"), "sum", status=0)
os.makedirs(os.path.join(folder, "pipe"))
os.mkfifo(os.path.join(folder, "pipe", "sum.c"))
assert "no file that can be read" in run("check", os.path.join(folder, "pipe"), status=1).stderr
for arguments in (["--seconds", "0"], ["--threads", "0"], ["--threads", "65"]):
    assert run("check", place, *arguments).returncode == 2, arguments

if not has_two:
    print(f"{checked} solutions told apart")
    sys.exit()
# Threads: a lock that lets two in and one that lets nobody in, counts that get lost, a queue that drops numbers.
expect("deadlock", "lock", "endless", HEAD + "void lock_take(uint64_t *m, int t) { while (__atomic_exchange_n(m, 1, 2)) {} (void)t; }\n"
       "void lock_give(uint64_t *m, int t) { (void)m; (void)t; }\n", more=["--seconds", "2"])
expect("no-lock", "lock", "wrong", HEAD + "void lock_take(uint64_t *m, int t) { (void)m; (void)t; }\nvoid lock_give(uint64_t *m, int t) { (void)m; (void)t; }\n",
       "two")
expect("race", "counters", "wrong", HEAD + "void counters_add(int64_t *m, int t, int64_t n, const uint8_t *x) { (void)t; volatile int64_t *c = m; "
       "for (int64_t i = 0; i < n; i++) *c = *c + (x[i] & 1); }\nint64_t counters_total(const int64_t *m, int n) { (void)n; return m[0]; }\n",
       "the total is")
expect("drops", "queue", "wrong", HEAD + "bool queue_put(int64_t *m, int64_t c, int64_t x) { m[512] = x; (void)c; __atomic_store_n(m, 1, 3); return true; }\n"
       "bool queue_take(int64_t *m, int64_t c, int64_t *x) { (void)c; if (!__atomic_exchange_n(m, 0, 2)) return false; *x = m[512]; return true; }\n", "a queue of 2")

print(f"{checked} solutions told apart")
