#!/usr/bin/env python3
"""Allocation n fails, for every n of a training step, its check and the write of its checkpoint: the file is the old or the new one, whole.

usage: allocations.py LANES FOLDER [EACH]     EACH: 1 for every allocation (3 minutes), 11 for every eleventh. Needs clang.

Swift's runtime ends a process that has no memory. What must not happen: a file that is neither the old nor the new one, success with other
bytes, an error without a word, a process that goes on for ever.
"""
import os
import signal
import subprocess
import sys

NAME = "allocations.safetensors"
STEPS = 2  # steps before: by then memory that is kept has been taken


def main():
    lanes, folder = os.path.abspath(sys.argv[1]), sys.argv[2]
    each = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "failing_allocator.c")
    os.makedirs(folder, exist_ok=True)
    os.chdir(folder)
    subprocess.run(["clang", "-O1", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", source, "-o", "allocator.so"], check=True)

    def train(fails_at, after):
        """The status, what was said, what the allocator reports, and the file that is there then."""
        for name in os.listdir("."):
            if name != "allocator.so":
                os.remove(name)
        command = [lanes, "train", "--synthetic", "--epochs", "1", "--batch", "2048", "--every", "1", "--checkpoint", NAME, "--json"]
        environment = dict(os.environ, LD_PRELOAD=os.path.abspath("allocator.so"), ALLOCATIONS="report", FAILS_AT=str(fails_at),
                           FAILS_AFTER_RENAME=str(after), SWIFT_BACKTRACE="enable=no")
        result = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=60, env=environment)
        with open("report") as file:
            report = file.read().split()
        with open(NAME, "rb") as file:
            return result.returncode, result.stderr, report, file.read()

    old, new = train(-2, STEPS)[3], train(-2, STEPS + 1)[3]
    status, error, report, last = train(-1, STEPS)
    assert status == 0 and len({old, new, last}) == 3, error
    count = int(report[0])
    assert count > 100, report
    died = told = survived = missed = 0
    for number in range(0, count, each):
        status, error, report, found = train(number, STEPS)
        where = f"allocation {number} of {count}: status {status}, {error[-300:]}"
        if "failed" not in report:  # threads take turns: there may be one less this time
            missed += 1
        elif status < 0:
            died += 1
            assert status in (-signal.SIGABRT, -signal.SIGILL, -signal.SIGTRAP), where
            assert found in (old, new), f"the checkpoint is neither old nor new: {where}"
            continue
        elif status == 0:
            survived += 1
        else:
            told += 1
            assert status == 1 and "Error: " in error, where
            assert found in (old, new), f"the checkpoint is neither old nor new: {where}"
        assert status != 0 or found == last, f"success with other bytes: {where}"
        assert not [name for name in os.listdir(".") if name.endswith(".tmp")], f"a temporary file stays: {where}"
    assert missed * 20 <= count / each and died + told + survived > 0, (missed, died, told, survived)
    print(f"{died + told + survived} of {count} allocations of a step, a check and a checkpoint failed: {died} ended the process, {told} told,"
          f" {survived} survived, the file always whole")


main()
