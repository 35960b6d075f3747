#!/usr/bin/env python3
"""Compares what the programs print with what NumPy prints, and their lines with NumPy's.

usage: check.py FOLDER     where the programs are: swift build --package-path Tests/Examples --scratch-path .build-examples -c release
"""
import pathlib
import subprocess
import sys

here = pathlib.Path(__file__).parent
# At most twice the lines that NumPy needs.
SHORT = {"PCA", "KMeans", "MLP", "Attention"}


def output(command):
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=here / "numpy").stdout


def lines(file):
    text = [line.strip() for line in file.read_text().splitlines()]
    return sum(1 for line in text if line and not line.startswith(("#", "//", "import ", "from ")))


failures = 0
folder = pathlib.Path(sys.argv[1]).resolve()
for python in sorted((here / "numpy").glob("*.py")):
    name = python.stem
    if name == "made_up":
        continue
    ours, theirs = output([folder / name]).split(), output([sys.executable, python]).split()
    problems = [] if len(ours) == len(theirs) > 0 else [f"{len(ours)} numbers, NumPy prints {len(theirs)}"]
    for a, b in zip(ours, theirs):
        if not abs(float(a) - float(b)) <= 2e-4 * max(1, abs(float(b))):
            problems.append(f"{a}, NumPy has {b}")
    here_lines, numpy_lines = lines(here / "Sources" / name / "main.swift"), lines(python)
    if name in SHORT and here_lines > 2 * numpy_lines:
        problems.append(f"{here_lines} lines, NumPy has {numpy_lines}")
    failures += bool(problems)
    print(f"{name}: {here_lines} lines ({numpy_lines} in NumPy): {'; '.join(problems) or ' '.join(ours)}")
sys.exit(1 if failures else 0)
