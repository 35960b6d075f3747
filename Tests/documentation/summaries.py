#!/usr/bin/env python3
"""Every public symbol has a summary. What the compiler makes (coding, raw values) is left out.

usage: summaries.py SYMBOLS.json...      what `swift build -Xswiftc -emit-symbol-graph` writes
"""
import json
import re
import sys

MADE_BY_THE_COMPILER = re.compile(r"init\((from|rawValue|stringLiteral):\)|encode\(to:\)|hash\(into:\)|==\(_:_:\)|!=\(_:_:\)|description$")


def main():
    count, missing = 0, []
    for path in sys.argv[1:]:
        with open(path) as file:
            graph = json.load(file)
        for symbol in graph["symbols"]:
            name = ".".join(symbol["pathComponents"])
            is_ours = symbol["accessLevel"] in ("public", "open") and "location" in symbol
            if not is_ours or "::SYNTHESIZED::" in symbol["identifier"]["precise"] or MADE_BY_THE_COMPILER.search(name):
                continue
            count += 1
            if "docComment" not in symbol:
                place = symbol["location"]
                missing.append(f"{place['uri'].split('/')[-1]}:{place['position']['line'] + 1}: {graph['module']['name']}.{name}")
    for name in missing:
        print(f"no summary: {name}")
    print(f"{count - len(missing)} of {count} public symbols have a summary")
    sys.exit(1 if missing or count < 50 else 0)


main()
