"""What `porthole why` costs whom it looks at, and what a storm of context switches costs under it."""
import os
import shutil
import signal
import statistics
import subprocess
import time

from measure import PORTHOLE, ROOT, Absent, cpu_ns, process_end, run, say, spread, status_kib, work

SETTLED = 4     # seconds from the start to where the watch has certainly begun
WATCH = 6
OFFCPUTIME = next(filter(shutil.which, ("offcputime", "offcputime-bpfcc", "/usr/sbin/offcputime")), None)


def built(name):
    path = work(name)
    run(["gcc", "-O2", "-pthread", "-o", path, os.path.join(ROOT, "bench", name + ".c")])
    return path


def rate(lines, begin, end):
    """Rounds a second between two moments (time.monotonic)."""
    rows = [(int(t) / 1e9, int(n)) for t, n in (line.split() for line in lines)]
    rows = [r for r in rows if begin <= r[0] <= end]
    if len(rows) < 5:
        raise Absent("the load said too little")
    return (rows[-1][1] - rows[0][1]) / (rows[-1][0] - rows[0][0])


def why_once(threads):
    """-> the target's slowdown during the watch, during all of `why`; seconds from the watch's end to the answer"""
    out = work("work.out")
    with open(out, "w") as o:
        load = subprocess.Popen([work("work"), "60", str(threads)], stdout=o)
    try:
        time.sleep(4)
        start = time.monotonic()
        why = subprocess.Popen([PORTHOLE, "why", str(load.pid), "--for", "60s"],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        time.sleep(SETTLED)
        begin = time.monotonic()
        time.sleep(WATCH)
        end = time.monotonic()
        why.send_signal(signal.SIGINT)     # the watch ends now
        answer = why.communicate()[0]
        exited = time.monotonic()
        if why.returncode != 0 or "hot-function" not in answer:
            raise Absent("why gives no answer: " + answer)
        time.sleep(5)
    finally:
        process_end(load)
    with open(out) as o:
        lines = o.readlines()[:-1]
    without = (rate(lines, start - 3.2, start - 0.1) + rate(lines, exited + 0.9, exited + 4)) / 2
    return (without / rate(lines, begin, end) - 1, without / rate(lines, start, exited) - 1,
            exited - end, exited - start)


def bench_why(table, quick):
    built("work")
    for threads in (1, 2):
        got = []
        for turn in range(2 if quick else 5):
            say(f"why, a target of {threads} busy threads, run {turn + 1}")
            got.append(why_once(threads))
        slower, whole, answered, took = zip(*got)
        table.bar(f"`why` of a process with {threads} busy threads of 2 CPUs: while it watches, the target is slower by",
                  spread(slower, 100, 1, " %"), "<= 3 %", statistics.median(slower) <= 0.03)
        table.bar("the same from its start to its exit, loading included",
                  f"{spread(whole, 100, 1, ' %')} of {statistics.median(took):.1f} s", "<= 3 %",
                  statistics.median(whole) <= 0.03)
        table.bar("the same: from the end of the watch to its exit", spread(answered, 1, 2, " s"),
                  "<= 1 s", statistics.median(answered) <= 1)


# --- a storm of switches ---

STORM = 200000  # a second


def switches(steps, seconds=1):
    """ns a switch"""
    text = run([work("switches"), str(seconds), "0", str(steps)], stdout=subprocess.PIPE).stdout
    return float(text.split()[2])


def steps_for(flat):
    """Of work between switches, so that there are STORM a second where @flat ns are one without."""
    more = (switches(4000, 0.5) - flat) / 4000
    return max(0, int((1e9 / STORM - flat) / more))


TRACERS = {
    "`profile --wall`": [PORTHOLE, "profile", "--wall", "--for", "60s", "-o", "folded"],
    "the same of another process": [PORTHOLE, "profile", "--wall", "--pid", "1", "--for", "60s", "-o",
                                    "folded"],
}
if OFFCPUTIME:
    TRACERS["offcputime of " + ("bcc-tools" if "bpfcc" in OFFCPUTIME else "libbpf-tools")] = [OFFCPUTIME, "60"]


def storm_under(argv, steps):
    """ns a switch: flat out, and with @steps."""
    p = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(4)
        if p.poll() is not None:
            raise Absent(argv[0] + " does not start")
        return storm_once(steps)
    finally:
        process_end(p)
        time.sleep(0.5)


def storm_once(steps):
    got = [(switches(0), switches(steps)) for _ in range(2)]
    return tuple(map(min, zip(*got)))


def bench_switches(table, quick):
    built("switches")
    flat, paced, rates = {name: [] for name in TRACERS}, {name: [] for name in TRACERS}, []
    steps = steps_for(min(switches(0) for _ in range(3)))
    for turn in range(2 if quick else 5):
        for name, argv in TRACERS.items():
            say(f"switches, run {turn + 1}, {name}")
            before, under, after = storm_once(steps), storm_under(argv, steps), storm_once(steps)
            rates += [(1e9 / b, 1e9 / p) for b, p in (before, after)]
            flat[name].append(under[0] * 2 / (before[0] + after[0]) - 1)
            paced[name].append(under[1] * 2 / (before[1] + after[1]) - 1)
    table.info("a storm of context switches on one CPU, no tracer: flat out; paced",
               "; ".join(spread(r, 1e-3, 0, " k/s") for r in zip(*rates)))
    for name in TRACERS:
        text = "the paced storm under " + name + ": slower by"
        figure = f"{spread(paced[name], 100, 1, ' %')}; flat out {spread(flat[name], 100, 1, ' %')}"
        if "porthole" in TRACERS[name][0]:
            table.bar(text, figure, "<= 10 %", statistics.median(paced[name]) <= 0.1)
        else:
            table.info(text, figure)


# --- many processes ---

BINARIES = ("python3", "perl", "redis-server", "gdb", "clang-19", "node", "bpftrace", "gcc", "git", "bash")


def crowd():
    """A hundred processes of large programs that compute now and then."""
    here = [b for b in BINARIES if shutil.which(b)]
    script = "import time\nwhile True:\n  sum(i * i for i in range(20000)); time.sleep(0.05)"
    argvs = {
        "python3": ["python3", "-c", script],
        "perl": ["perl", "-e", "while(1){ $s += $_ for 1..20000; select(undef,undef,undef,0.05) }"],
        "redis-server": ["redis-server", "--port", "0", "--unixsocket", "", "--hz", "500", "--save", ""],
        "bash": ["bash", "-c", "while :; do for i in {1..2000}; do :; done; sleep 0.05; done"],
        "node": ["node", "-e", "setInterval(()=>{for(let i=0,s=0;i<1e5;i++)s+=i},50)"],
        "clang-19": ["bash", "-c", "while :; do echo 'int f(int x){return x*x;}' | clang-19 -O2 -xc -c - -o /dev/null; done"],
        "gcc": ["bash", "-c", "while :; do echo 'int f(int x){return x*x;}' | gcc -O2 -xc -c - -o /dev/null; sleep 0.1; done"],
        "git": ["bash", "-c", f"while :; do git -C {ROOT} status >/dev/null; sleep 0.1; done"],
    }
    kinds = [argvs[b] for b in here if b in argvs]
    return [subprocess.Popen(kinds[i % len(kinds)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                             start_new_session=True) for i in range(100)]


def bench_crowd(table, quick):
    load = crowd()
    try:
        time.sleep(5)
        p = subprocess.Popen([PORTHOLE, "profile", "--for", "600s", "-o", "folded"],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            time.sleep(20 if quick else 45)
            rss, peak = status_kib(p.pid, "VmRSS") / 1024, status_kib(p.pid, "VmHWM") / 1024
        finally:
            process_end(p)
    finally:
        for l in load:
            try:
                os.killpg(l.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            l.wait()
    table.bar("profiling 100 processes of large programs: resident memory; peak",
              f"{rss:.1f} MiB; {peak:.1f} MiB", "< 64; < 96 MiB", rss < 64 and peak < 96)
