#!/usr/bin/env python3
"""Every interleaving of the pool's protocol (lease, post, join, sleep, take back, detach) under a weak memory model, for one worker and a few
regions: each lane runs once, what it wrote is seen by who joined it, nobody waits for ever.

The machine: each location is a list of messages in modification order, each with what its writer had seen (a view). A load may read any
message that is not older than what its thread has seen; an acquire takes the message's view over; a release hands the thread's view on; an
exchange reads the newest message; a sequentially consistent access sees the newest such store to its location; a fence also takes over and
hands on what all earlier ones had seen. After Kang, Hur, Lahav, Vafeiadis and Dreyer, A Promising Semantics (POPL 2017), without promises,
and with each store appended to its location's order, which holds where stores to one location are ordered, as here. A plain access that another
thread's write does not happen before is a race, and an error.

Each step names the line of CKernels/pool that it stands for: where that line changes, this check fails until the model follows. Weakened orders
must be found to be wrong, or the model itself could not fail.

usage: pool_model.py [FOLDER]
"""
import pathlib
import re
import sys

RELAXED, ACQUIRE, RELEASE, SEQ = "relaxed", "acquire", "release", "seq"
LOCATIONS = ("start", "done", "asleep", "caller_sleeps", "free", "task", "ran", "detached")
INDEX = {name: i for i, name in enumerate(LOCATIONS)}
START = {"start": 1, "free": 1, "done": 0, "asleep": 0, "caller_sleeps": 0, "task": 0, "ran": 0, "detached": 0}
END = 99  # the task that ends the worker

# What the model says of the source, and the order of each access.
SOURCE = {
    "post": "atomic_store_explicit(&w->start, ticket, memory_order_release);",
    "post reads": "const uint32_t ticket = atomic_load_explicit(&w->start, memory_order_relaxed) + 1;",
    "barrier": "atomic_thread_fence(memory_order_seq_cst);\n    for (lane = 1; lane < lanes; lane++) wake_if_asleep(&postings[lane]);",
    "barrier of one": "atomic_thread_fence(memory_order_seq_cst);\n            wake_if_asleep(&posted);",
    "barrier at the end": "atomic_thread_fence(memory_order_seq_cst);\n            wake_if_asleep(&last);",
    "is it asleep": "posted->woken = atomic_load(&posted->worker->asleep);",
    "wake": "    pthread_mutex_lock(&w->mutex);\n    atomic_store(&w->asleep, false);\n    pthread_cond_signal(&w->posted);\n    pthread_mutex_unlock(&w->mutex);",
    "poll": "const uint32_t start = atomic_load_explicit(&w->start, memory_order_acquire);",
    "fall asleep": "    pthread_mutex_lock(&w->mutex);\n    // Either this thread sees the ticket below, or the caller sees it asleep: both sides write first and then read, in one order.\n    atomic_store(&w->asleep, true);",
    "sleep": "while ((start = atomic_load(&w->start)) % 2 && atomic_load(&w->asleep)) pthread_cond_wait(&w->posted, &w->mutex);\n    atomic_store(&w->asleep, false);",
    "take": "if (ticket % 2 || !atomic_compare_exchange_strong(&w->start, &ticket, ticket + 1)) continue;",
    "done": "atomic_exchange(&w->done, ticket);",
    "does the caller sleep": "if (atomic_load(&w->caller_sleeps)) {",
    "join": "if (atomic_load_explicit(&w->done, memory_order_acquire) == ticket) return;",
    "take back": "if (atomic_compare_exchange_strong(&w->start, &expected, ticket + 1)) {",
    "sleep in join": "    atomic_store(&w->caller_sleeps, true);\n    while (atomic_load(&w->done) != ticket) pthread_cond_wait(&w->joined, &w->mutex);\n    atomic_store(&w->caller_sleeps, false);",
    "lease": "free & ~wanted, memory_order_acquire,",
    "give back": "atomic_fetch_or_explicit(&pool->free[word], taken[word], memory_order_release);",
    "worker gives itself back": "(uint64_t)1 << index % WORD_BITS, memory_order_release);\n            atomic_fetch_sub(&w->pool->detached, 1);",
    "destroy waits": "while (atomic_load(&pool->detached)) nanosleep(&moment, NULL);",
}

ORDERS = {"post": RELEASE, "barrier": SEQ, "barrier of one": SEQ, "poll": ACQUIRE, "asleep": SEQ, "sleeping look": SEQ, "done": SEQ, "caller sleeps": SEQ, "join": ACQUIRE,
          "lease": ACQUIRE, "give back": RELEASE, "detached": SEQ, "destroy": SEQ}


class Program:
    """Steps with labels; a step is (kind, ...), with numbers that are functions of the thread's registers (ticket, seen, ...)."""

    def __init__(self):
        self.steps, self.labels = [], {}

    def label(self, name):
        self.labels[name] = len(self.steps)

    def add(self, *step):
        self.steps.append(step)


# Registers are a tuple: (seen, ticket, flag, region).
SEEN, TICKET, FLAG, REGION = range(4)


def worker(orders):
    p = Program()
    p.label("wait")
    p.add("choose", "sleep")
    p.add("load", SEEN, "start", orders["poll"])
    p.add("if", lambda r: r[SEEN] % 2 == 0, "take")
    p.add("jump", "wait")
    p.label("sleep")
    p.add("lock")
    p.add("store", "asleep", lambda r: 1, orders["asleep"])
    p.label("asleep")
    p.add("load", SEEN, "start", orders["sleeping look"])
    p.add("if", lambda r: r[SEEN] % 2 == 0, "awake")
    p.add("load", FLAG, "asleep", SEQ)
    p.add("if", lambda r: r[FLAG] == 0, "awake")
    p.add("wait", "posted")
    p.add("jump", "asleep")
    p.label("awake")
    p.add("store", "asleep", lambda r: 0, SEQ)
    p.add("unlock")
    p.add("if", lambda r: r[SEEN] % 2 == 1, "wait")
    p.label("take")
    p.add("exchange", FLAG, "start", lambda r: r[SEEN], lambda r: r[SEEN] + 1, SEQ)
    p.add("if", lambda r: r[FLAG] == 0, "wait")
    p.add("plain load", REGION, "task")
    p.add("if", lambda r: r[REGION] == END, "end")
    p.add("plain add", "ran")
    p.add("store", "done", lambda r: r[SEEN], orders["done"])
    p.add("if", lambda r: r[REGION] < 0, "detached")
    p.add("load", FLAG, "caller_sleeps", SEQ)
    p.add("if", lambda r: r[FLAG] == 0, "wait")
    p.add("lock")
    p.add("signal", "joined")
    p.add("unlock")
    p.add("jump", "wait")
    p.label("detached")
    p.add("add", "free", 1, orders["give back"])
    p.add("add", "detached", -1, orders["detached"])
    p.add("jump", "wait")
    p.label("end")
    p.add("end")
    return p


def post(p, orders, task, name, barrier="barrier of one"):
    p.add("plain store", "task", lambda r, task=task: task)
    p.add("load", TICKET, "start", RELAXED)
    p.add("set", TICKET, lambda r: r[TICKET] + 1)
    p.add("store", "start", lambda r: r[TICKET], orders["post"])
    if orders[barrier] == SEQ:
        p.add("fence")
    p.add("load", FLAG, "asleep", orders["asleep"])
    p.add("if", lambda r: r[FLAG] == 0, name + " posted")
    p.add("lock")
    p.add("store", "asleep", lambda r: 0, SEQ)
    p.add("signal", "posted")
    p.add("unlock")
    p.label(name + " posted")


def lease(p, orders, otherwise):
    p.add("exchange", FLAG, "free", lambda r: 1, lambda r: 0, orders["lease"])
    p.add("if", lambda r: r[FLAG] == 0, otherwise)


def region(p, orders, number, name):
    """A region of two lanes; the worker's lane is counted in `ran`, which the leaseholder reads when it has joined."""
    lease(p, orders, name + " alone")
    p.add("plain load", REGION, "ran")
    post(p, orders, number, name, "barrier")
    p.label(name + " join")
    p.add("load", FLAG, "done", orders["join"])
    p.add("if", lambda r: r[FLAG] == r[TICKET], name + " joined")
    p.add("choose", name + " take back")
    p.add("choose", name + " sleep")
    p.add("jump", name + " join")
    p.label(name + " take back")
    p.add("exchange", FLAG, "start", lambda r: r[TICKET], lambda r: r[TICKET] + 1, SEQ)
    p.add("if", lambda r: r[FLAG] == 0, name + " taken")
    p.add("plain add", "ran")
    p.add("jump", name + " joined")
    p.label(name + " taken")
    p.add("load", FLAG, "done", orders["join"])
    p.add("if", lambda r: r[FLAG] == r[TICKET], name + " joined")
    p.add("choose", name + " sleep")
    p.add("jump", name + " taken")
    p.label(name + " sleep")
    p.add("lock")
    p.add("store", "caller_sleeps", lambda r: 1, orders["caller sleeps"])
    p.label(name + " asleep")
    p.add("load", FLAG, "done", SEQ)
    p.add("if", lambda r: r[FLAG] == r[TICKET], name + " woken")
    p.add("wait", "joined")
    p.add("jump", name + " asleep")
    p.label(name + " woken")
    p.add("store", "caller_sleeps", lambda r: 0, SEQ)
    p.add("unlock")
    p.label(name + " joined")
    p.add("plain check", "ran", lambda r: r[REGION] + 1, "a lane did not run once")
    p.add("add", "free", 1, orders["give back"])
    p.label(name + " alone")


def detach(p, orders, name):
    lease(p, orders, name + " none")
    p.add("add", "detached", 1, SEQ)
    post(p, orders, -1, name)
    p.label(name + " none")


def destroy(p, orders):
    # Not a loop, in which a lane that nobody wakes would look like progress.
    p.add("await zero", FLAG, "detached", orders["destroy"])
    p.add("exchange", FLAG, "free", lambda r: 1, lambda r: 0, orders["lease"])
    p.add("check", lambda r: r[FLAG] == 1, "a pool was destroyed while a region ran on it")
    post(p, orders, END, "destroy")
    p.add("end")


def scenarios(orders):
    p = Program()
    for number in (1, 2):
        region(p, orders, number, f"region {number}")
    destroy(p, orders)
    yield "two regions of one caller", [worker(orders), p]
    first, second = Program(), Program()
    region(first, orders, 1, "first")
    first.add("join", 2)
    destroy(first, orders)
    region(second, orders, 2, "second")
    second.add("end")
    yield "regions of two callers", [worker(orders), first, second]
    p = Program()
    detach(p, orders, "detached")
    region(p, orders, 1, "region")
    destroy(p, orders)
    yield "a detached lane and a region", [worker(orders), p]


class Wrong(Exception):
    pass


def joined(a, b):
    return tuple(map(max, a, b))


def explore(programs, most):
    """Visits every state; raises Wrong for one that must not be. Returns how many there are."""
    zero = (0,) * len(LOCATIONS)
    threads = tuple((0, (0, 0, 0, 0), zero, "runs") for _ in programs)
    memory = tuple(((START[name], zero),) for name in LOCATIONS)
    # Of plain locations only the newest message matters; the mutex is (holder, view).
    first = (threads, memory, zero, (None, zero))
    stack, known = [first], {first}
    while stack:
        state = stack.pop()
        successors = list(steps(programs, state))
        if not successors and any(status != "ended" for _, _, _, status in state[0]):
            raise Wrong("somebody waits for ever")
        for successor in successors:
            if successor not in known:
                known.add(successor)
                stack.append(successor)
        if len(known) > most:
            raise SystemExit(f"more than {most} states")
    return len(known)


def settled(program, at, registers):
    """Steps that no other thread can see are no states of their own."""
    while True:
        kind, *rest = program.steps[at]
        if kind == "jump":
            at = program.labels[rest[0]]
        elif kind == "if":
            at = program.labels[rest[1]] if rest[0](registers) else at + 1
        elif kind == "set":
            registers = registers[:rest[0]] + (rest[1](registers),) + registers[rest[0] + 1:]
            at += 1
        else:
            return at, registers


def steps(programs, state):
    threads, memory, seq, mutex = state
    for me, (at, registers, view, status) in enumerate(threads):
        if status == "ended" or (status.startswith("waits")):
            continue

        def after(at=at + 1, registers=registers, view=view, status="runs", memory=memory, seq=seq, mutex=mutex, threads=threads):
            if status == "runs":
                at, registers = settled(programs[me], at, registers)
            changed = threads[:me] + ((at, registers, view, status),) + threads[me + 1:]
            return changed, memory, seq, mutex

        def put(register, value):
            return registers[:register] + (value,) + registers[register + 1:]

        def write(location, value, order, base=None):
            i = INDEX[location]
            time = len(memory[i])
            mine = view[:i] + (time,) + view[i + 1:]
            handed = mine if order in (RELEASE, SEQ) else tuple(time if k == i else 0 for k in range(len(view)))
            if base is not None:  # an exchange goes on with what the message that it read handed on
                handed = joined(handed, base)
            changed = memory[:i] + (memory[i] + ((value, handed),),) + memory[i + 1:]
            return changed, mine, seq[:i] + (time,) + seq[i + 1:] if order == SEQ else seq

        def newest(location):
            i = INDEX[location]
            if view[i] != len(memory[i]) - 1:
                raise Wrong(f"a race on {location}")
            return memory[i][-1][0]

        labels = programs[me].labels
        kind, *rest = programs[me].steps[at]
        if status == "wakes" or kind == "lock":
            if mutex[0] is None:
                yield after(at=at + 1, view=joined(view, mutex[1]), mutex=(me, mutex[1]))
        elif kind == "unlock":
            yield after(mutex=(None, joined(mutex[1], view)))
        elif kind == "wait":
            yield after(at=at, status="waits " + rest[0], mutex=(None, joined(mutex[1], view)))
        elif kind == "signal":
            sleepers = [k for k, thread in enumerate(threads) if thread[3] == "waits " + rest[0]]
            for k in sleepers:
                other = threads[k]
                woken = threads[:k] + ((other[0], other[1], other[2], "wakes"),) + threads[k + 1:]
                yield after(threads=woken)
            if not sleepers:
                yield after()
        elif kind == "choose":
            yield after()
            yield after(at=labels[rest[0]])
        elif kind == "check":
            if not rest[0](registers):
                raise Wrong(rest[1])
            yield after()
        elif kind in ("load", "await zero"):
            register, location, order = rest
            i = INDEX[location]
            least = max(view[i], seq[i]) if order == SEQ else view[i]
            for time in range(least, len(memory[i])):
                value, handed = memory[i][time]
                if kind == "await zero" and value != 0:
                    continue
                seen = view[:i] + (time,) + view[i + 1:]
                yield after(registers=put(register, value), view=joined(seen, handed) if order in (ACQUIRE, SEQ) else seen)
        elif kind == "store":
            changed, mine, now = write(rest[0], rest[1](registers), rest[2])
            yield after(view=mine, memory=changed, seq=now)
        elif kind == "fence":
            both = joined(view, seq)
            yield after(view=both, seq=both)
        elif kind in ("exchange", "add"):
            location = rest[1] if kind == "exchange" else rest[0]
            i, order = INDEX[location], rest[-1]
            value, handed = memory[i][-1]
            if kind == "exchange" and value != rest[2](registers):
                seen = view[:i] + (len(memory[i]) - 1,) + view[i + 1:]
                yield after(registers=put(rest[0], 0), view=joined(seen, handed) if order in (ACQUIRE, SEQ) else seen)
                continue
            changed, mine, now = write(location, rest[3](registers) if kind == "exchange" else value + rest[1], order, handed)
            yield after(registers=put(rest[0], 1) if kind == "exchange" else registers,
                        view=joined(mine, handed) if order in (ACQUIRE, SEQ) else mine, memory=changed, seq=now)
        elif kind == "plain load":
            yield after(registers=put(rest[0], newest(rest[1])))
        elif kind in ("plain store", "plain add"):
            value = newest(rest[0])
            changed, mine, _ = write(rest[0], rest[1](registers) if kind == "plain store" else value + 1, RELAXED)
            yield after(view=mine, memory=changed)
        elif kind == "plain check":
            if newest(rest[0]) != rest[1](registers):
                raise Wrong(rest[2])
            yield after()
        elif kind == "join":
            if threads[rest[0]][3] == "ended":
                yield after(view=joined(view, threads[rest[0]][2]))
        elif kind == "end":
            yield after(at=at, status="ended")


def main():
    root = pathlib.Path(__file__).resolve().parents[2]
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else root / "CKernels/pool")
    source = "".join(file.read_text() for file in sorted(folder.glob("pool*.c")))
    def words(text):  # however the lines are broken
        joined = None
        while joined != text:  # a comment of several lines is one
            joined, text = text, re.sub(r"(//[^\n]*)\n[ \t]*// ", r"\1 ", text)
        text = re.sub(r"(//[^\n]*)\n", r"\1 END ", text)  # code after a comment is not part of it
        return re.sub(r"\s+", " ", text).strip()

    missing = [name for name, text in SOURCE.items() if words(text) not in words(source)]
    if missing:
        sys.exit(f"the pool and the model differ in: {', '.join(missing)}")
    for name, programs in scenarios(ORDERS):
        print(f"{name}: {explore(programs, 3_000_000)} states, none wrong", flush=True)
    survivors = []
    # The worker's poll is not among them: what it reads counts only once the exchange that takes the lane has read it too.
    for order, weaker in (("post", RELAXED), ("barrier", RELAXED), ("barrier of one", RELAXED), ("asleep", RELEASE), ("done", RELAXED), ("join", RELAXED),
                          ("caller sleeps", RELEASE), ("lease", RELAXED), ("give back", RELAXED)):
        why = None
        for name, programs in scenarios({**ORDERS, order: weaker}):
            try:
                explore(programs, 3_000_000)
            except Wrong as wrong:
                why = f"{wrong} ({name})"
                break
        print(f"with a {weaker} {order}: {why or 'NOTHING IS FOUND'}", flush=True)
        survivors += [] if why else [order]
    if survivors:
        sys.exit(f"weakened, and nothing is found: {', '.join(survivors)}")


main()
