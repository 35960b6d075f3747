#!/usr/bin/env python3
"""Every system call of a checkpoint's write fails in turn, and the process is killed at each: the file is the old or the new one, whole.

usage: checkpoint_calls.py LANES FOLDER     needs strace
"""
import os
import re
import subprocess
import sys

NAME = "calls.safetensors"
CALLS = ("openat", "write", "pwrite64", "fsync", "fdatasync", "fchmod", "ftruncate", "lseek", "rename", "renameat", "renameat2", "linkat",
         "close", "unlink", "unlinkat")


def main():
    lanes, folder = os.path.abspath(sys.argv[1]), sys.argv[2]
    os.makedirs(folder, exist_ok=True)
    os.chdir(folder)

    def train(seed, *tracer):
        command = [lanes, "train", "--synthetic", "--epochs", "1", "--seed", str(seed), "--checkpoint", NAME, "--json"]
        return subprocess.run([*tracer, *command], capture_output=True, text=True, timeout=120)

    def contents():
        with open(NAME, "rb") as file:
            return file.read()

    def temporary():
        return [name for name in os.listdir(".") if name != NAME and name != "trace"]

    assert train(2).returncode == 0
    new = contents()
    os.remove(NAME)
    assert train(1).returncode == 0
    old = contents()
    assert old != new

    def put_old():
        for name in temporary():
            os.remove(name)
        with open(NAME, "wb") as file:
            file.write(old)

    # Which calls have to do with the checkpoint: each by its number among the calls of that name on its thread, as strace counts.
    result = train(2, "strace", "-f", "-y", "-qq", "-o", "trace", "-e", "trace=" + ",".join("?" + call for call in CALLS))
    assert result.returncode == 0, result.stderr
    seen, places = {}, []
    with open("trace", errors="replace") as file:
        for line in file:
            match = re.match(r"(\d+) +(\w+)\(", line)
            if not match:
                continue
            key = match.groups()
            seen[key] = seen.get(key, 0) + 1
            # The folder itself is synchronised too.
            is_ours = NAME in line or match.group(2) == "fsync"
            if is_ours and (match.group(2), seen[key]) not in places:
                places.append((match.group(2), seen[key]))
    assert {"openat", "write", "fsync", "rename"} <= {re.sub("^rename(at2?)?$", "rename", call) for call, _ in places}, places
    told = killed = met = 0
    for call, number in places:
        for what in ("error=EIO", "error=ENOSPC", "signal=KILL"):
            # What a thread calls before may differ by a call from run to run: until the fault meets a call of the checkpoint.
            for _ in range(4):
                put_old()
                result = train(2, "strace", "-f", "-y", "-qq", "-o", "trace", "-e", f"trace={call}", "-e", f"inject={call}:{what}:when={number}")
                with open("trace", errors="replace") as file:
                    is_met = any("INJECTED" in line and (NAME in line or call == "fsync") for line in file)
                if is_met or what == "signal=KILL" and result.returncode != 0:
                    break
            met += is_met
            found = contents()
            where = f"{call} number {number}, {what}: status {result.returncode}, {result.stderr[-300:]}"
            if what == "signal=KILL":
                killed += result.returncode != 0
                assert found in (old, new), f"the checkpoint is neither old nor new: {where}"
                continue
            if result.returncode == 0:
                assert found == new, f"no error was told, and the checkpoint is not the new one: {where}"
            else:
                told += 1
                assert result.returncode == 1 and "Error: checkpoint" in result.stderr and NAME in result.stderr, where
                # Where the folder could not be synchronised, the new file is there already.
                assert found in (old, new), f"the checkpoint is neither old nor new: {where}"
            assert not temporary(), f"{temporary()} stays: {where}"
    assert told >= len(places) and killed >= len(places) // 2 and met >= len(places), (told, killed, met, len(places))
    print(f"{len(places)} system calls of a checkpoint: {told} errors told, {killed} times killed, the file always whole")


main()
