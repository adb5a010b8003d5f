"""What `porthole why` costs whom it looks at, and what a storm of context switches costs under it."""
import os
import shutil
import signal
import statistics
import subprocess
import time

from measure import PORTHOLE, ROOT, Absent, cpu_ns, process_end, run, say, spread, status_kib, work

WATCH = 5       # seconds
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
    """-> slowdown of the target, seconds from the end of the watch to the answer"""
    out = work("work.out")
    with open(out, "w") as o:
        load = subprocess.Popen([work("work"), "60", str(threads)], stdout=o)
    try:
        time.sleep(3)
        why = subprocess.Popen([PORTHOLE, "why", str(load.pid), "--for", "60s"],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        time.sleep(5)   # it is loaded by now, programs of a thousand branches verified
        begin = time.monotonic()
        time.sleep(WATCH)
        end = time.monotonic()
        why.send_signal(signal.SIGINT)     # the watch ends now
        answer = why.communicate()[0]
        answered = time.monotonic() - end
        if why.returncode != 0 or "hot-function" not in answer:
            raise Absent("why gives no answer: " + answer)
        time.sleep(4)
    finally:
        process_end(load)
    with open(out) as o:
        lines = o.readlines()[:-1]
    with_it = rate(lines, begin, end)
    without = (rate(lines, begin - 7.5, begin - 5.2) + rate(lines, end + answered + 1, end + answered + 4)) / 2
    return without / with_it - 1, answered


def bench_why(table, quick):
    built("work")
    for threads in (1, 2):
        got = []
        for turn in range(2 if quick else 5):
            say(f"why, a target of {threads} busy threads, run {turn + 1}")
            got.append(why_once(threads))
        slower, answered = zip(*got)
        table.bar(f"`why` of a process with {threads} busy threads of 2 CPUs: it is slower by",
                  spread(slower, 100, 1, " %"), "<= 3 %", statistics.median(slower) <= 0.03)
        table.bar("the same: from the end of the watch to the answer", spread(answered, 1, 2, " s"),
                  "<= 1 s", statistics.median(answered) <= 1)


# --- a storm of switches ---

def switches(seconds=2):
    """ns a switch"""
    text = run([work("switches"), str(seconds), "0"], stdout=subprocess.PIPE).stdout
    return float(text.split()[2])


TRACERS = {
    "`profile --wall`": [PORTHOLE, "profile", "--wall", "--for", "60s", "-o", "folded"],
    "the same of another process": [PORTHOLE, "profile", "--wall", "--pid", "1", "--for", "60s", "-o",
                                    "folded"],
}
if OFFCPUTIME:
    TRACERS["offcputime of bcc-tools"] = [OFFCPUTIME, "60"]


def storm_under(argv):
    p = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(4)
        if p.poll() is not None:
            raise Absent(argv[0] + " does not start")
        return switches()
    finally:
        process_end(p)
        time.sleep(0.5)


def bench_switches(table, quick):
    built("switches")
    ratios, rates = {name: [] for name in TRACERS}, []
    for turn in range(2 if quick else 5):
        for name, argv in TRACERS.items():
            say(f"switches, run {turn + 1}, {name}")
            before = switches()
            under = storm_under(argv)
            after = switches()
            rates += [1e9 / before, 1e9 / after]
            ratios[name].append(under * 2 / (before + after) - 1)
    table.info("a storm of context switches on one CPU, no tracer", spread(rates, 1e-3, 0, " k/s"))
    for name, r in ratios.items():
        text = "a storm of context switches under " + name + ": slower by"
        if "porthole" in TRACERS[name][0]:
            table.bar(text, spread(r, 100, 1, " %"), "<= 10 %", statistics.median(r) <= 0.1)
        else:
            table.info(text, spread(r, 100, 1, " %"))


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
