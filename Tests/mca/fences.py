#!/usr/bin/env python3
"""After the last streaming store of a function a store fence has to come: other lanes read the result as soon as the region has ended.

usage: fences.py ASSEMBLY...     the compiler's output for CKernels/vector

No test that runs can find a missing fence here: what ends a region on x86 orders these stores too, and nobody promises that it will.
"""
import re
import sys


def main():
    functions = failed = 0
    for path in sys.argv[1:]:
        name, streams, is_fenced, before = None, 0, False, functions
        for line in open(path):
            label = re.match(r"(\w+):", line)
            if label:
                name, streams, is_fenced = label.group(1), 0, False
            elif re.match(r"\s+v?movnt", line):
                streams, is_fenced = streams + 1, False
            elif re.match(r"\s+sfence", line):
                is_fenced = True
            elif line.startswith(".Lfunc_end") and streams:
                functions += 1
                if not is_fenced:
                    failed += 1
                    print(f"FAILED {path}: {name} has {streams} streaming stores and no fence after them")
        if functions == before:
            sys.exit(f"{path}: no streaming store was found")
    print(f"{functions - failed} of {functions} functions with streaming stores end in a fence")
    sys.exit(1 if failed else 0)


main()
