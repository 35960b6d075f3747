#!/usr/bin/env python3
"""Results of the laboratory that were written by somebody who means no good: `lanes report` and `lanes diff` run no command from them, write
nothing outside their folder, end in time, and escape what they print.

usage: Tests/hostile/laboratory.py LANES RUN.json FOLDER
"""
import copy
import json
import pathlib
import subprocess
import sys

lanes, source, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
folder.mkdir(parents=True, exist_ok=True)
right = json.load(open(source))
mark = folder / "pwned"
command = f"touch {mark}"
texts = [
    f'x\nEND\nsystem("{command}")\n$d << END\n', f"`{command}`", f"'; system('{command}'); '", f'"; system("{command}"); "',
    f"\\'; system(\"{command}\") #", "<script>alert(1)</script>", "\x1b[2J\x1b[1;1H", "a\u2028b\u0085c\rd", "%s%n@{^_&~}", "x" * 100_000,
]


def variants():
    for text in texts:
        run = copy.deepcopy(right)
        for e in run["experiments"]:
            for key in ("title", "question", "hypothesis", "explanation"):
                e[key] = text
            e["figure"]["x"] = e["figure"]["y"] = text
            e["notes"] = [text]
            for p in e["prediction"]:
                p["quantity"] = text
            for s in e["series"]:
                s["name"] = text
                for p in s["points"]:
                    p["label"] = text
        for key in ("processor", "instructionSet", "hypervisor", "system", "compiler", "date", "hugePages"):
            run["machine"][key] = text
        run["peers"] = [text]
        yield "text", run, 0
    for name in ("../../escaped", "/tmp/escaped", "trust\n", "", "x/y"):
        run = copy.deepcopy(right)
        run["experiments"][0]["id"] = name
        yield f"id {name!r}", run, 1
    run = copy.deepcopy(right)
    run["experiments"].append(run["experiments"][0])
    yield "an experiment twice", run, 1
    run = copy.deepcopy(right)
    for e in run["experiments"]:
        e["series"] = e["series"][:1]
    yield "one series of each", run, 0
    run = copy.deepcopy(right)
    for e in run["experiments"]:
        e["series"] = []
    yield "no series", run, 0
    run = copy.deepcopy(right)
    for e in run["experiments"]:
        for s in e["series"]:
            s["points"] = [{"x": i, "y": 1 + i, "label": f"label number {i} of many", "samples": [1.0]} for i in range(3000)]
            break
    yield "3,000 labelled points", run, 0


for number, (what, run, status) in enumerate(variants()):
    file = folder / f"hostile{number}.json"
    file.write_text(json.dumps(run))
    out = folder / f"report{number}"
    result = subprocess.run([lanes, "report", str(file), "--out", str(out)], capture_output=True, text=True, timeout=60)
    assert result.returncode == status or (result.returncode == 1 and "gnuplot failed" in result.stderr), (what, result)
    assert "Fatal error" not in result.stderr, (what, result.stderr)
    if status:
        assert not out.exists(), f"{what}: a report all the same"
    elif (out / "index.html").exists():
        page = (out / "index.html").read_text()
        assert "<script" not in page and "\x1b" not in page, what
        assert "http-equiv" not in page
        for script in out.glob("*.gp"):
            subprocess.run(["gnuplot", script.name], cwd=out, capture_output=True, timeout=60)
    compared = subprocess.run([lanes, "diff", source, str(file), "--anyway"], capture_output=True, text=True, timeout=60)
    assert "Fatal error" not in compared.stderr and "\x1b" not in compared.stdout + compared.stderr, (what, compared.stderr)
    assert not mark.exists(), f"{what}: a command was run"
written = {p.name for p in folder.parent.glob("escaped*")} | {p.name for p in pathlib.Path("/tmp").glob("escaped*")}
assert not written, f"written outside: {written}"
print(f"{number + 1} hostile files")
