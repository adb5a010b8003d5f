"""What the parts of bench/run share: running commands and tracers, figures, the table."""
import os
import re
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
B = os.environ.get("B", os.path.join(ROOT, "build"))
PORTHOLE = os.environ.get("PORTHOLE", os.path.join(B, "porthole"))
WORK = os.path.join(os.path.abspath(B), "bench.work")


class Absent(Exception):
    """Something cannot be measured here; says why."""


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def work(name):
    return os.path.join(WORK, name)


# --- figures ---

def spread(values, scale=1.0, digits=2, unit=""):
    mid, low, high = (f(values) * scale for f in (statistics.median, min, max))
    return f"{mid:.{digits}f}{unit} ({low:.{digits}f} to {high:.{digits}f})"


def percent(ratios):
    """Ratios of time, as a slowdown: 1.18 is 18 %."""
    return spread([(r - 1) * 100 for r in ratios], 1, 1, " %")


class Table:
    def __init__(self):
        self.rows, self.notes = [], []

    def bar(self, what, figure, bar, met):
        self.rows.append((what, figure, bar, "met" if met else "**missed**"))
        say(f"{what}: {figure}; bar {bar}: {'met' if met else 'MISSED'}")

    def info(self, what, figure):
        self.rows.append((what, figure, "", ""))
        say(f"{what}: {figure}")

    def skip(self, what, bar, why):
        self.rows.append((what, "not measured: " + why, bar, "skipped"))
        say(f"{what}: not measured: {why}")

    def text(self):
        head = [("measure", "median (least to greatest)", "bar", "")]
        lines = ["| " + " | ".join(r) + " |" for r in head + self.rows]
        return "\n".join([lines[0], "|---|---|---|---|"] + lines[1:])


# --- processes ---

def run(argv, **more):
    return subprocess.run(argv, check=True, text=True, **more)


def timed(argv, out=subprocess.DEVNULL):
    """Runs to the end: wall seconds, CPU seconds."""
    begin, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(argv, stdout=out, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (time.monotonic() - begin,
            after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def cpu_ns(pid):
    """CPU time of all threads of a process, to the nanosecond."""
    total = 0
    for tid in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{tid}/schedstat") as f:
            total += int(f.read().split()[0])
    return total


def status_kib(pid, key):
    with open(f"/proc/{pid}/status") as f:
        for line in f:
            if line.startswith(key + ":"):
                return int(line.split()[1])
    raise Absent(f"no {key} of process {pid}")


def loads(name, *args):
    """Two of our load generators at once; the sums of their figures, wall time is the mean."""
    argv = [work(name)] + [str(a) for a in args]
    both = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    rows = [[int(x) for x in p.communicate()[0].split()] for p in both]
    sums = [sum(column) for column in zip(*rows)]
    sums[-2] /= 2
    return sums


def machine_ns():
    """CPU time of the whole machine that was not idle, what its host took included."""
    with open("/proc/stat") as f:
        ticks = [int(x) for x in f.readline().split()[1:9]]
    return (sum(ticks) - ticks[3] - ticks[4]) * (10**9 // os.sysconf("SC_CLK_TCK"))


class Calm:
    """
    Runs a load, again where others took more than a share of the machine meanwhile. What is kept is
    the calmest run; how often that was not calm enough is told.
    """
    SHARE, TRIES = 0.04, 4

    def __init__(self):
        self.runs = self.restless = 0

    def run(self, load, own, pids=()):
        """@load gives figures, own(figures) the CPU ns in them. The calmest figures, all figures."""
        best, all_figures = None, []
        for _ in range(self.TRIES):
            before, begin = machine_ns() - sum(map(cpu_ns, pids)), time.monotonic()
            figures = load()
            took = (time.monotonic() - begin) * 1e9 * os.cpu_count()
            others = machine_ns() - sum(map(cpu_ns, pids)) - before - own(figures)
            all_figures.append(figures)
            if best is None or others / took < best[0]:
                best = others / took, figures
            if best[0] < self.SHARE:
                break
        self.runs += 1
        self.restless += best[0] >= self.SHARE
        return best[1], all_figures

    def note(self):
        return (f"{self.restless} of {self.runs} kept runs had others on the machine with more than "
                f"{self.SHARE * 100:.0f} % of it, {self.TRIES} attempts notwithstanding")


def detached():
    """Waits for what an ended porthole left to let go of tracepoints: till then calls cost more."""
    for _ in range(300):
        names = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/comm") as c, open(f"/proc/{pid}/stat") as s:
                    names.append((c.read().strip(), s.read().rsplit(")", 1)[1].split()[0]))
            except OSError:
                continue
        if not any(name == "porthole-detach" and state != "Z" for name, state in names):
            return
        time.sleep(0.05)


def process_end(proc):
    """As a user would, then with more force: bpftrace misses a signal now and then."""
    for sig in (signal.SIGINT, signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        if proc.poll() is not None:
            return
        proc.send_signal(sig)
        try:
            proc.wait(5)
        except subprocess.TimeoutExpired:
            continue


# --- servers ---

def on_cpu(n):
    """Server and clients on a CPU each, else where the scheduler puts them decides the figure."""
    return lambda: os.sched_setaffinity(0, {n} & os.sched_getaffinity(0) or os.sched_getaffinity(0))


class Redis:
    PORT = "17779"

    def __enter__(self):
        if not shutil.which("redis-server") or not shutil.which("redis-benchmark"):
            raise Absent("redis is not installed")
        self.proc = subprocess.Popen(["redis-server", "--port", self.PORT, "--bind", "127.0.0.1",
                                      "--save", "", "--appendonly", "no"],
                                     stdout=subprocess.DEVNULL, preexec_fn=on_cpu(0))
        time.sleep(1)
        return self

    def __exit__(self, *_):
        process_end(self.proc)

    def rates(self, requests):
        """Requests a second of 50 clients: [GET's, SET's]"""
        out = run(["redis-benchmark", "-p", self.PORT, "-c", "50", "-n", str(requests), "-t", "get,set",
                   "--csv"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                  preexec_fn=on_cpu(1)).stdout
        rates = [float(m) for m in re.findall(r'^"(?:GET|SET)[^"]*","([0-9.]+)"', out, re.M)]
        if len(rates) != 2:
            raise Absent("redis-benchmark shows no rates")
        return rates


class Tracer:
    """A tracer that runs beside a load; ready when it shows what `poke` does."""

    def __init__(self, argv, out, poke):
        self.out, self.err = work(out), work(out + ".err")
        with open(self.out, "wb") as o, open(self.err, "wb") as e:
            self.proc = subprocess.Popen(argv, stdout=o, stderr=e)
        self.wait(poke)
        self.start_cpu = cpu_ns(self.proc.pid)

    def wait(self, poke):
        base = 64  # what bpftrace says before it attaches
        for _ in range(400):
            if self.proc.poll() is not None:
                break
            poke()
            if os.path.getsize(self.out) > base:
                return
            time.sleep(0.03)
        self.stop()
        raise Absent(self.complaints() or "it shows nothing")

    def complaints(self):
        with open(self.err, errors="replace") as f:
            return " ".join(f.read().split())[-200:]

    def cpu(self):
        """CPU it used since it was ready, ns."""
        return cpu_ns(self.proc.pid) - self.start_cpu

    def stop(self):
        process_end(self.proc)
        detached()

    def lines(self, part):
        with open(self.out, "rb") as f:
            return sum(part in line for line in f)

    def lost(self):
        """What it says it lost, in its own words; empty: nothing."""
        with open(self.err, errors="replace") as f:
            own = [line.strip() for line in f if "lost" in line.lower()]
        with open(self.out, errors="replace") as f:
            own += [line.strip() for line in f if line.lower().startswith("lost ")]
        return "; ".join(own)


def events(*args, out="porthole.out", poke=lambda: open("/etc/hostname").close()):
    return Tracer([PORTHOLE, "events", "--alone", *args], out, poke)
