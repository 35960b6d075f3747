"""Plants faults of one line, one at a time: in C, where the conformance program has to find each, or in what the Swift tests look at.

usage: run.py FOLDER [--sample N] [NAME...]
       run.py FOLDER --swift [NAME...]

FOLDER is where copies and objects go. Without names all faults are planted; a sample of N is another one every day.
"""

import datetime
import glob
import os
import random
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FLAGS = ["clang", "-O1", "-std=gnu17", "-w", "-ICKernels/include", "-ITests/conformance"]
# Chunks of a product end after a few steps, and every product is cut for the lanes of a pool: as in tools/test.
SHORT = ["-DCK_GEMM_CHUNK_BYTES=128", "-DCK_GEMM_REGION_NANOSECONDS=1", "-DCK_GEMM_WAKE_NANOSECONDS=1", "-DCK_GEMM_STEAL_NANOSECONDS=100"]

GEMM, TILE, VECTOR = "CKernels/gemm/gemm.c", "CKernels/gemm/gemm_tile_body.h", "CKernels/vector/elementwise_body.h"
REDUCTION, MATRIX = "CKernels/vector/reduction_body.h", "CKernels/matrix/matrix_body.h"
TRANSCENDENTAL, PARALLEL = "CKernels/vector/transcendental_body.h", "CKernels/gemm/gemm_parallel.c"
POOL, REGION, WORKER = "CKernels/pool/pool.c", "CKernels/pool/pool_region.c", "CKernels/pool/pool_worker.c"

# Name, file, what stands there, what is put in its place. What stands there stands there once.
MUTANTS = [
    ("row-bias-of-the-next-rows", GEMM, "        if (tile.row_bias) tile.row_bias += rows * l->element;\n", ""),
    ("row-bias-of-the-next-block", GEMM, "            if (tile.row_bias) tile.row_bias += ic * l->element;\n", ""),
    ("rows-of-the-next-block", GEMM, "            tile.a += ic * tile.a_row;\n", ""),
    ("columns-past-the-last", GEMM, "tile.columns = smaller(panel * l->lanes, l->n - j);", "tile.columns = panel * l->lanes;"),
    ("second-panel", GEMM, "tile.b_panel = k * packed_step;", "tile.b_panel = 0;"),
    ("chunk-of-a-packed-operand", GEMM, "(chunk_start * l->vectors + k * v) * vector : fresh", "(k * v) * vector : fresh"),
    ("chunks-are-added", GEMM, "        tile.update |= CK_UPDATE_ADD;\n        tile.beta = &one;\n", "        tile.beta = &one;\n"),
    ("beta-once", GEMM, "        tile.beta = &one;\n    }\n}\n\nvoid ck_gemm_run", "    }\n}\n\nvoid ck_gemm_run"),
    ("epilogue-at-the-end", GEMM, "if (last) add_epilogue(&tile, p);", "add_epilogue(&tile, p);"),
    ("exchanged-transposition", "CKernels/gemm/gemm_exchanged.c", "rows.transpose_a = !p->transpose_b;", "rows.transpose_a = p->transpose_b;"),
    ("exchanged-bias", "CKernels/gemm/gemm_exchanged.c", "rows.bias_kind = p->bias_kind == CK_BIAS_PER_ROW      ? CK_BIAS_PER_COLUMN", "rows.bias_kind = p->bias_kind == CK_BIAS_PER_ROW      ? CK_BIAS_NONE"),
    ("scattered-old-values", "CKernels/gemm/gemm_exchanged.c", "if (!scalar_is(&rows->beta, element, 0))\n            for", "if (false)\n            for"),
    ("scattered-next-columns", "CKernels/gemm/gemm_exchanged.c", "part.b = (const char *)rows->b + j * element * (rows->transpose_b ? rows->ldb : 1);", "part.b = (const char *)rows->b + j * element;"),
    ("scattered-bias", "CKernels/gemm/gemm_exchanged.c", "        if (rows->bias_kind == CK_BIAS_PER_COLUMN) part.bias = (const char *)rows->bias + j * element;\n", ""),
    ("tail-bias", GEMM, "        if (p->bias_kind == CK_BIAS_PER_COLUMN) part.bias = (const char *)p->bias + n * element;\n        ck_gemm_exchanged", "        ck_gemm_exchanged"),
    ("no-product-keeps-c", GEMM, ".alpha = no_product ? &minus_zero : &p->alpha,", ".alpha = &p->alpha,"),
    ("few-rows-gathered", GEMM, "if (tile.a_step != l->element) {", "if (false) {"),
    ("bias-along-columns", GEMM, "        if (tile.column_bias) tile.column_bias += step * l->element;\n", ""),
    ("packing-later-chunks", "CKernels/gemm/gemm_packed_b.c", "(start * vectors + steps * v) * lanes * element;", "(start * vectors) * lanes * element;"),
    ("strided-y", "CKernels/gemm/gemm_exchanged.c", "if (p->incy == 1)\n        ck_gemm(kernels, &row);", "if (true)\n        ck_gemm(kernels, &row);"),
    ("in-l1-row-bias", GEMM, "            if (tile.row_bias) tile.row_bias += rows * element;\n", ""),
    ("in-l1-second-panel", GEMM, "tile.b_panel = CK_PANEL_VECTORS * lanes * element;", "tile.b_panel = 0;"),
    ("packing-memory-for-panels", GEMM, "(plan->keep_panels ? plan->nc : 0) + 2 * CK_PANEL_VECTORS)", "(plan->keep_panels ? plan->nc : 0) + CK_PANEL_VECTORS)"),
    ("packing-memory-for-rows", GEMM, "ck_gemm_workspace((size_t)(l->m * row))", "ck_gemm_workspace((size_t)(l->m * row - l->element))"),
    ("old-values-times-beta", TILE, "base = mul(beta, v ==", "base = mul(alpha, v =="),
    ("relu-forgotten", TILE, "if (update & CK_UPDATE_RELU) {", "if (false) {"),
    ("last-vector-masked", TILE, "store_masked(row + (vectors - 1) * LANES, last, acc[r][vectors - 1]);", "store(row + (vectors - 1) * LANES, acc[r][vectors - 1]);"),
    ("row-bias-of-each-row", TILE, "broadcast((const ELEMENT *)t->row_bias + r);", "broadcast((const ELEMENT *)t->row_bias);"),
    ("dot-rows", "CKernels/gemm/gemm_dot_body.h", "sum[r] = fma(broadcast((const ELEMENT *)(a + r * a_row) + q), bv[q], sum[r]);\n    }\n    CK_KEEP_ORDER", "sum[r] = fma(broadcast((const ELEMENT *)a + q), bv[q], sum[r]);\n    }\n    CK_KEEP_ORDER"),
    ("dot-rows-past-the-last", TILE, "(b + (i < rows ? i : rows - 1) * ld)", "(b + i * ld)"),
    ("dot-steps-past-the-last", "CKernels/gemm/gemm_dot_body.h", "                if (q >= steps) break;\n", ""),
    ("odd-step", TILE, "    for (; p > 0; p--) NAME(step)", "    for (; p > 1; p--) NAME(step)"),
    ("short-head-of-a-stream", VECTOR, "mask_first(head < count ? head : count);", "mask_first(head);"),
    ("head-of-a-stream", VECTOR, "if (head) store_masked(z, first", "if (false) store_masked(z, first"),
    ("rest-of-a-reduction", REDUCTION, "acc[v] = blend(rest, STEP(acc[v], LOAD_REST), acc[v])", "acc[v] = STEP(acc[v], LOAD_REST)"),
    ("rest-of-a-short-reduction", REDUCTION, "acc[v] = blend(rest, STEP(start, LOAD_REST), start)", "acc[v] = STEP(start, LOAD_REST)"),
    ("chunks-of-a-reduction", REDUCTION, "total = JOIN##_NUMBERS(total, chunk);", "total = chunk;"),
    ("maximum-and-nan", REDUCTION, "#define STEP(a, LOAD) largest(LOAD(x), a)", "#define STEP(a, LOAD) largest(a, LOAD(x))"),
    ("minimum-and-nan", REDUCTION, "#define STEP(a, LOAD) smallest(LOAD(x), a)", "#define STEP(a, LOAD) smallest(a, LOAD(x))"),
    ("gradient-where-positive", VECTOR, "store(dx + i, where_positive(load(x + i), load(dy + i)))", "store(dx + i, where_positive(load(dy + i), load(x + i)))"),
    ("exp-that-needs-care", TRANSCENDENTAL, "return NAME(absolute_of)(x) <= EXP_SAFE;", "return !(NAME(absolute_of)(x) > 2 * EXP_SAFE);"),
    ("log-that-needs-care", TRANSCENDENTAL, "NAME(bits_of)(x) - ((UNSIGNED)1 << MANTISSA) < (UNSIGNED)(2 * BIAS) << MANTISSA", "NAME(bits_of)(x) < (UNSIGNED)(2 * BIAS + 1) << MANTISSA"),
    ("degree-of-exp", TRANSCENDENTAL, "const int degree = IS_DOUBLE ? 9 : 4;", "const int degree = IS_DOUBLE ? 8 : 3;"),
    ("tanh-of-minus-zero", TRANSCENDENTAL, "(t / (t + (ELEMENT)2))) | sign);", "(t / (t + (ELEMENT)2))));"),
    ("gelu-of-infinity", TRANSCENDENTAL, "return gate == 0 ? (ELEMENT)-0.0 : x * gate;", "return x * gate;"),
    ("blocks-of-columns", MATRIX, "results[j] = JOIN(results[j], block[j]);", "results[j] = block[j];"),
    ("first-of-equal-rows", MATRIX, "for (int64_t i = end - 1; i >= first; i--)", "for (int64_t i = first; i < end; i++)"),
    ("softmax-of-wide-rows", MATRIX, "NAME(subtract_top)(width, x + r * ldx + start,", "NAME(subtract_top)(width, x + r * ldx,"),
    ("transposed-edge", MATRIX, "int64_t j = i < whole_rows ? whole_columns : 0", "int64_t j = whole_columns"),
    ("deviations-of-a-row", MATRIX, "NAME(deviation_of)(columns, x, mean)", "NAME(deviation_of)(columns, x, 0)"),
    ("log-of-zero", TRANSCENDENTAL, "    result = x == 0 ? -infinity : result;\n", ""),
    ("log-of-subnormals", TRANSCENDENTAL, "const ELEMENT normal = x < smallest_normal ? x * up : x;", "const ELEMENT normal = x;"),
    ("chunks-of-lanes", PARALLEL, "c = cut.first; c < chunks; c++)", "c = cut.first + 1; c < chunks; c++)"),
    ("packed-chunks-of-lanes", PARALLEL, "k * d.byte_count * (ceil_div(p->n, d.lanes) * d.lanes);", "k * d.byte_count * p->n;"),
    ("blocks-of-lanes", PARALLEL, "whole->share[s].end = blocks * (s + 1) / whole->shares;", "whole->share[s].end = blocks * (s + 1) / whole->shares - (s == 0);"),
    ("lease-of-many-lanes", REGION, "        taken[word] = wanted;\n", "        taken[word] = word ? 0 : wanted;\n"),
    ("post-to-many-lanes", REGION, "post(&pool->worker[word * WORD_BITS + __builtin_ctzll(rest)], task", "post(&pool->worker[__builtin_ctzll(rest)], task"),
    ("end-of-many-workers", REGION, "            worker *w = &pool->worker[word * WORD_BITS + __builtin_ctzll(rest)];\n            posting last", "            worker *w = &pool->worker[__builtin_ctzll(rest)];\n            posting last"),
    ("detached-worker-given-back", WORKER, "(uint64_t)1 << index % WORD_BITS", "(uint64_t)1 << index / WORD_BITS"),
    ("detached-lanes-waited-for", POOL, "        while (atomic_load(&pool->detached)) nanosleep(&moment, NULL);\n", ""),
    ("signals-of-workers", POOL, "    pthread_sigmask(SIG_SETMASK, &all, &before);\n", "    pthread_sigmask(SIG_SETMASK, NULL, &before);\n"),
    ("memory-of-ended-threads", "CKernels/gemm/gemm_workspace.c", "pthread_setspecific(at_thread_end, memory);", "(void)0;"),
    ("child-of-a-lane", WORKER, "        ck_pool_stop_forked_child(w->pool);\n        atomic_exchange", "        atomic_exchange"),
]


# Faults that the Swift tests of the modules have to find: each costs a build of the package.
NETWORK, IDX, CHECKPOINT = "CKernels/network/network_body.h", "Sources/LanesNN/IDX.swift", "Sources/LanesNN/Checkpoint.swift"
SWIFT_MUTANTS = [
    ("softmax-gradient-of-wide-rows", NETWORK, "e[r * width + j] = y[r * ldy + start + j];", "e[r * width + j] = y[r * ldy + j];"),
    ("label-in-a-later-piece", NETWORK, "labels[first + r] - start;", "labels[first + r];"),
    ("best-class-beside-nan", NETWORK, " || (x[best] != x[best] && x[j] == x[j])", ""),
    ("dropout-by-position", NETWORK, "at = first + (uint64_t)block", "at = (uint64_t)block"),
    ("gradient-of-long-layers", NETWORK, "dx[start + i] = e[i];", "dx[i] = e[i];"),
    ("rows-that-fit-l2", "CKernels/gemm/gemm_plan.c", "return apart == 0 || apart >= way ? half\n                                      :", "return true ? 1\n                                      :"),
    ("end-of-an-array", IDX, 'case 1: throw DataError(file: file, offset: offset, "goes on after its array")', "case 1: break"),
    ("impossible-sizes", IDX, "size > 0, !overflow, product <= 1 << 31", "!overflow, product <= 1 << 31"),
    ("cut-gzip", IDX, "guard status != Z_BUF_ERROR else", "guard status != Z_DATA_ERROR else"),
    ("checksum-of-a-checkpoint", CHECKPOINT, "guard header.checksum(of: data) == header.checksum else {", "guard header.checksum(of: data) != \"\" else {"),
    ("state-that-is-not-finite", CHECKPOINT, "second.allSatisfy({ $0.isFinite && $0 >= 0 })", "second.allSatisfy({ $0 >= 0 })"),
    ("transposed-images", "Sources/LanesNN/ImageSet.swift", "data.bytes[start + column * rows + row]", "data.bytes[start + row * columns + column]"),
    ("first-touch", "Sources/LanesParallel/MemoryPlacement.swift", "storeBytes(of: 0, as: UInt8.self)", "storeBytes(of: (base + offset).load(as: UInt8.self), as: UInt8.self)"),
    ("recruiting-later", "Sources/LanesParallel/TaskExecutor.swift", "            condition.lock()\n            recruit()\n        }", "            condition.lock()\n        }"),
]


def run(command, **more):
    return subprocess.run(command, capture_output=True, text=True, **more)


def compile_all(tree, sources, objects, flags):
    os.makedirs(objects, exist_ok=True)
    for start in range(0, len(sources), os.cpu_count()):
        jobs = [subprocess.Popen(FLAGS + flags + ["-c", source, "-o", os.path.join(objects, source.replace("/", "_") + ".o")], cwd=tree)
                for source in sources[start:start + os.cpu_count()]]
        for job in jobs:
            if job.wait() != 0:
                raise SystemExit("a fault does not compile")


def found(program, digests):
    """Why the conformance program is not content; None where it is."""
    for part, machine in (("quick", ""), ("guarded", "tiny"), ("pool", "")):
        try:
            result = run([program, part], env=dict(os.environ, LANES_MACHINE=machine), timeout=40)
        except subprocess.TimeoutExpired:
            return f"{part} does not end"
        if result.returncode != 0:
            return f"{part}{' on a tiny machine' if machine else ''}"
        if digests and part == "quick" and not machine and [x for x in result.stdout.splitlines() if x.startswith("digest")] != digests:
            return "other bits"
    return None


def choose(mutants, names):
    unknown = set(names) - {m[0] for m in mutants}
    if unknown:
        raise SystemExit(f"no such fault: {' '.join(sorted(unknown))}")
    return [m for m in mutants if m[0] in names] if names else mutants


def plant_each(tree, chosen, why, by=""):
    """Plants each fault in the tree, asks why(path) what finds it, and takes it out again. Ends the program."""
    survivors = []
    for name, path, old, new in chosen:
        full = os.path.join(tree, path)
        with open(full) as file:
            text = file.read()
        if text.count(old) != 1:
            raise SystemExit(f"{name}: what should be replaced stands {text.count(old)} times in {path}")
        with open(full, "w") as file:
            file.write(text.replace(old, new))
        reason = why(path)
        with open(full, "w") as file:
            file.write(text)
        print(f"{'found' if reason else 'SURVIVES'}  {name}{f' ({reason})' if reason else ''}", flush=True)
        if not reason:
            survivors.append(name)
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} planted faults found{by}")
    sys.exit(1 if survivors else 0)


def find_by_swift(folder, chosen):
    tree = os.path.join(folder, "swift")
    shutil.rmtree(tree, ignore_errors=True)
    files = run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT).stdout.split("\0")
    for name in files:
        if name and os.path.exists(os.path.join(ROOT, name)):
            os.makedirs(os.path.dirname(os.path.join(tree, name)), exist_ok=True)
            shutil.copy(os.path.join(ROOT, name), os.path.join(tree, name), follow_symlinks=False)

    def why():
        build = run(["swift", "build", "--build-tests"], cwd=tree)
        if build.returncode != 0:
            raise SystemExit(f"a fault does not compile: {build.stdout[-2000:]}")
        try:
            test = run(["swift", "test", "--skip-build", "--filter", "CKernelsTests|LanesNNTests|LanesParallelTests"], cwd=tree, timeout=300)
        except subprocess.TimeoutExpired:
            return "the Swift tests do not end"
        return "Swift tests" if test.returncode != 0 else None

    if why():
        raise SystemExit("without a fault something is found already by the Swift tests")
    plant_each(tree, chosen, lambda path: why(), " by the Swift tests")


def main():
    arguments = sys.argv[1:]
    folder = arguments.pop(0)
    if arguments[:1] == ["--swift"]:
        find_by_swift(folder, choose(SWIFT_MUTANTS, arguments[1:]))
    chosen = MUTANTS
    if arguments[:1] == ["--sample"]:
        chosen = random.Random(datetime.date.today().toordinal()).sample(MUTANTS, int(arguments[1]))
        arguments = arguments[2:]
    if arguments:
        chosen = choose(MUTANTS, arguments)
    tree = os.path.join(folder, "tree")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(tree)
    for part in ("CKernels", "Tests/conformance"):
        shutil.copytree(os.path.join(ROOT, part), os.path.join(tree, part))
    sources = sorted(os.path.relpath(f, tree) for p in ("CKernels/*/*.c", "Tests/conformance/*.c") for f in glob.glob(os.path.join(tree, p)))
    variants = [("plain", []), ("short", SHORT)]
    for name, flags in variants:
        compile_all(tree, sources, os.path.join(folder, name), flags)
    with open(os.path.join(ROOT, "Tests/conformance/expected-quick.txt")) as file:
        expected = file.read().splitlines()

    def check(name):
        program = os.path.join(folder, f"conformance-{name}")
        link = run(["clang", *glob.glob(os.path.join(folder, name, "*.o")), "-o", program, "-lm", "-lpthread"])
        if link.returncode != 0:
            raise SystemExit(link.stderr)
        why = found(program, expected if name == "plain" else None)
        return why and why + (" with short chunks" if name == "short" else "")

    for name, _ in variants:
        if check(name):
            raise SystemExit("without a fault something is found already")
        shutil.copytree(os.path.join(folder, name), os.path.join(folder, f"{name}-right"))

    # A header's fault is compiled into every file that includes it, through others too.
    includes = {s: run([*FLAGS, "-MM", s], cwd=tree).stdout.replace("\\\n", " ").split() for s in sources}
    included = {s: {os.path.normpath(name) for name in names} for s, names in includes.items()}

    def why(path):
        affected = [s for s in sources if path in included[s]]
        if not affected:
            raise SystemExit(f"nothing is compiled from {path}")
        reason = None
        for variant, flags in variants:
            compile_all(tree, affected, os.path.join(folder, variant), flags)
            reason = reason or check(variant)
            for source in affected:
                object_name = source.replace("/", "_") + ".o"
                shutil.copy(os.path.join(folder, f"{variant}-right", object_name), os.path.join(folder, variant, object_name))
            if reason:
                break
        return reason

    plant_each(tree, chosen, why)


main()
