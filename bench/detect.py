"""Detection: how fast rules load and match, and what they cost a busy node."""
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import time

from measure import (PORTHOLE, ROOT, Absent, Calm, Redis, cpu_ns, detached, loads, percent, process_end,
                     run, say, spread, status_kib, timed, work)

FALCO = [os.path.join(ROOT, "test", "rules", "falco", n)
         for n in ("falco_rules.yaml", "falco-incubating_rules.yaml")]
RULES = [a for f in FALCO for a in ("-r", f)]
# The system calls that the official rules name, for the peers.
CALLS = ("open openat openat2 creat connect sendto sendmsg accept accept4 listen execve execveat "
         "chmod fchmod fchmodat rename renameat renameat2 unlink unlinkat rmdir link linkat symlink "
         "symlinkat ptrace bpf dup dup2 dup3 finit_module init_module setns setuid socket "
         "unshare").split()
EVENTS = "/sys/kernel/tracing/events/syscalls"
STORM_SECONDS = int(os.environ.get("BENCH_STORM_SECONDS", "60"))
TURNS = int(os.environ.get("BENCH_TURNS", "0"))  # of the loads under the rules; 0: as many as needed


# --- loading and matching ---

def generated(n):
    path = work(f"rules-{n}.yaml")
    with open(path, "w") as f:
        run([os.path.join(ROOT, "bench", "rules"), str(n)], stdout=f)
    return path


def load_time(files, runs):
    """Seconds of `rules check`, the start of the program included."""
    return [timed([PORTHOLE, "rules", "check", *files])[0] for _ in range(runs)]


def load_problems(files):
    out = subprocess.run([PORTHOLE, "rules", "check", "-o", "json", *files], stdout=subprocess.PIPE,
                         check=False).stdout
    summary = json.loads(out)
    return summary["errors"] + summary["warnings"]


def bench_rules(table, quick, capture):
    runs = 5 if quick else 15
    for what, files, bar in (("the stable and incubating rules", FALCO, 0.050),
                             ("1,000 generated rules", [generated(1000)], 0.200)):
        bad = load_problems(files)
        t = load_time(files, runs)
        table.bar(f"loading {what} (`rules check`, process start included)",
                  f"{spread(t, 1e3, 1, ' ms')}; {bad} errors and warnings",
                  f"< {bar * 1e3:.0f} ms, none", statistics.median(t) < bar and not bad)
    match(table, quick, capture)


def match(table, quick, capture):
    n, mix = capture(quick)
    sets = [("56 rules (stable and incubating)", RULES), ("1,000 rules", ["-r", generated(1000)]),
            ("56 generated rules", ["-r", generated(56)])]
    figures = {what: [] for what, _ in sets}
    for turn in range(3 if quick else 7):
        say(f"matching, run {turn + 1}")
        for what, args in sets:
            figures[what].append(timed([PORTHOLE, "detect", "-q", "--replay", work("long.cap"),
                                        *args])[1])
    os.remove(work("long.cap"))
    rate = [n / c for c in figures[sets[0][0]]]
    table.bar("matching the 56 rules on a replayed mixed load, whole pipeline",
              f"{spread(rate, 1e-6)} M events/s of CPU time", ">= 1.5 M/s",
              statistics.median(rate) >= 1.5e6)
    for what, _ in sets[1:]:
        table.info(f"the same, {what}", f"{spread([n / c for c in figures[what]], 1e-6)} M events/s")
    growth = [a / b for a, b in zip(figures["1,000 rules"], figures[sets[0][0]])]
    table.bar("from 56 to 1,000 rules: times the cost", spread(growth), "< 2",
              statistics.median(growth) < 2)
    table.notes.append(f"Matching: {mix}")


# --- under load ---

def redis_load(redis, requests):
    """Seconds per request, of 50 clients, GET and SET, wall and CPU; CPU ns in all."""
    before = cpu_ns(redis.proc.pid) + children_ns()
    rates = redis.rates(requests)
    cpu = cpu_ns(redis.proc.pid) + children_ns() - before
    return sum(1 / r for r in rates), cpu / requests * 1e-9, cpu


class Compile:
    """make -j2 of a copy of this project, from nothing each time."""

    def __init__(self, quick):
        self.dir = work("compile")
        shutil.rmtree(self.dir, ignore_errors=True)
        shutil.copytree(ROOT, self.dir, ignore=shutil.ignore_patterns("build", ".git"))
        self.quick = quick

    def load(self, _, under=()):
        out = os.path.join(self.dir, "out")
        shutil.rmtree(out, ignore_errors=True)
        begin, before = time.monotonic(), children_ns()
        subprocess.run([*under, "make", "-s", "-j2", "-C", self.dir, f"B={out}",
                        *([f"{out}/libporthole.a"] if self.quick else ["all"])], check=True,
                       stdout=subprocess.DEVNULL)
        cpu = children_ns() - before
        return time.monotonic() - begin, cpu * 1e-9, cpu


def children_ns():
    """CPU time of the children that ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return int((used.ru_utime + used.ru_stime) * 1e9)


def ready_detect():
    out = work("detect.out")
    with open(out, "wb") as o, open(out + ".err", "wb") as e:
        proc = subprocess.Popen([PORTHOLE, "detect", "-o", "json", *RULES], stdout=o, stderr=e)
    for _ in range(400):
        with open(out + ".err", errors="replace") as f:
            if "detecting" in f.read():
                return proc, out
        if proc.poll() is not None:
            break
        time.sleep(0.03)
    process_end(proc)
    raise Absent("porthole detect does not start")


class Load:
    """A load, its size, and how often a run of it is repeated for one figure: the median, or the least."""

    def __init__(self, name, load, size, repeats, pick=statistics.median):
        self.name, self.load, self.size, self.repeats, self.pick = name, load, size, repeats, pick
        self.calm = Calm()

    def figure(self, pids=()):
        """Wall and CPU seconds, and how many times the load was run for it."""
        best, runs = [], 0
        for _ in range(self.repeats):
            figures, everything = self.calm.run(lambda: self.load(self.size), lambda f: f[2], pids)
            best.append(figures[:2])
            runs += len(everything)
        return [self.pick(column) for column in zip(*best)], runs


class Against:
    """Slowdowns of runs with a tracer against the mean of those without before and after each."""

    def __init__(self):
        self.wall, self.cpu = [], []

    def add(self, before, traced, after):
        for ratios, b, t, a in zip((self.wall, self.cpu), before, traced, after):
            ratios.append(t / (b + a) * 2)

    def text(self):
        return f"{percent(self.wall)}; CPU {percent(self.cpu)}"


def detect_run(load):
    """The load beside porthole detect: its figure, events judged a run, complaints, alerts."""
    proc, out = ready_detect()
    try:
        figure, runs = load.figure([proc.pid])
        time.sleep(0.3)
    finally:
        process_end(proc)
        detached()
    with open(out + ".err", errors="replace") as f:
        said = f.read()
    judged = re.search(r"(\d+) events judged", said)
    lost = [line for line in said.splitlines() if "lost" in line]
    with open(out) as f:
        alerts = sum(1 for _ in f)
    return figure, int(judged.group(1)) / runs if judged else 0, lost, alerts


def calls_made(load, size):
    """System calls of everything while the load runs, counted by bpftrace."""
    path = work("calls.out")
    with open(path, "w") as o:
        proc = subprocess.Popen(["bpftrace", "-e", "tracepoint:raw_syscalls:sys_exit { @ = count(); }"],
                                stdout=o, stderr=subprocess.DEVNULL)
        time.sleep(3)
        try:
            load(size)
        finally:
            process_end(proc)
    with open(path) as f:
        m = re.search(r"@: (\d+)", f.read())
    if not m:
        raise Absent("bpftrace counts nothing")
    return int(m.group(1))


def bpftrace_run(load):
    here = [f"tracepoint:syscalls:sys_exit_{c}" for c in CALLS
            if os.path.isdir(f"{EVENTS}/sys_exit_{c}")]  # a kernel may have no modules
    proc = subprocess.Popen(["bpftrace", "-e", ",".join(here) + " { @[probe] = count(); }"],
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    time.sleep(4)
    try:
        if proc.poll() is not None:
            raise Absent("bpftrace ended: " + proc.stderr.read()[-200:])
        return load.figure([proc.pid])[0]
    finally:
        process_end(proc)


STRACE = ["strace", "-f", "-qq", "-c", "-o", "/dev/null", "-e", "trace=" + ",".join(CALLS)]


def strace_redis(table, redis, size):
    base = redis_load(redis, size)[0]
    proc = subprocess.Popen([*STRACE, "-p", str(redis.proc.pid)])
    time.sleep(1)
    try:
        times = redis_load(redis, size)[0] / base
    finally:
        process_end(proc)
    table.info("redis-benchmark under strace -f -c of the same calls: slower by",
               f"{(times - 1) * 100:.0f} %")


def strace_compile(table, load):
    base = load.load(None)[0]
    times = load.load(None, STRACE)[0] / base
    table.info("make -j2 of this project under strace -f -c of the same calls: slower by",
               f"{(times - 1) * 100:.0f} %")


def slowdown(table, load, turns, peer_each=1):
    """@turns pairs; the peer runs in one of @peer_each of them."""
    ours, peer, judged, lost, alerts = Against(), Against(), [], [], 0
    before, _ = load.figure()
    for turn in range(turns):
        say(f"{load.name} under the rules, run {turn + 1}")
        figure, seen, said, n = detect_run(load)
        after, _ = load.figure()
        ours.add(before, figure, after)
        judged.append(seen)
        lost += said
        alerts += n
        before = after
        if turn % peer_each == 0 and shutil.which("bpftrace"):
            figure = bpftrace_run(load)
            before, _ = load.figure()
            peer.add(after, figure, before)
    table.bar(f"{load.name} under `detect` with the 56 rules: slower by", ours.text(), "<= 5 %",
              statistics.median(ours.wall) <= 1.05)
    table.bar("the same: lost; alerts", f"{'; '.join(lost) or 'nothing'}; {alerts}", "none lost",
              not lost)
    table.notes.append(f"{load.name}: {load.calm.note()}.")
    if peer.wall:
        table.info(f"{load.name} under bpftrace counting the same system calls: slower by",
                   peer.text())
        calls = calls_made(load.load, load.size)
        share = [100 * j / calls for j in judged]
        table.bar("the same under `detect`: events that reached user space, of all system calls",
                  f"{spread(share, 1, 3, ' %')} of {calls}", "< 1 %",
                  statistics.median(share) < 1)


def memory(table, quick):
    seconds = min(STORM_SECONDS, 15) if quick else STORM_SECONDS
    proc, _ = ready_detect()
    try:
        before = status_kib(proc.pid, "VmRSS") / 1024
        say(f"a storm of {seconds} s under the rules")
        count, _, _ = loads("storm", seconds)
        loads("opens", min(seconds, 10), 16)
        after, peak = (status_kib(proc.pid, k) / 1024 for k in ("VmRSS", "VmHWM"))
    finally:
        process_end(proc)
    table.bar(f"resident memory of `detect` with the 56 rules after {seconds} s of fork+exec+open "
              f"({count} processes)", f"{after:.1f} MiB, at most {peak:.1f}; before {before:.1f}",
              "< 48 MiB", peak < 48)


def bench_redis(table, quick):
    with Redis() as redis:
        size = 20_000
        # What else the machine's host does makes a run up to twice as long, never shorter: the least of several short ones.
        slowdown(table, Load("redis-benchmark, 50 clients", lambda n: redis_load(redis, n), size, 6, min),
                 TURNS or (4 if quick else 12), 4)
        if shutil.which("strace"):
            strace_redis(table, redis, size // 5)


def bench_compile(table, quick):
    compile_load = Compile(quick)
    slowdown(table, Load("make -j2 of this project", compile_load.load, None, 1),
             TURNS or (1 if quick else 5))
    if shutil.which("strace"):
        strace_compile(table, compile_load)


def bench_detect(table, quick):
    for part in (bench_redis, bench_compile, memory):
        try:
            part(table, quick)
        except Absent as why:
            table.skip(part.__name__, "", str(why))
