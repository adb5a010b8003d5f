"""Profiling: whether stacks agree with perf's of DWARF, and what sampling costs, perf beside."""
import bisect
import ctypes
import json
import os
import re
import shutil
import statistics
import subprocess
import time
from collections import Counter

from measure import PORTHOLE, ROOT, Absent, cpu_ns, process_end, run, say, spread, status_kib, work

DUMP_BYTES = 32768  # of the stack perf copies a sample; 65528 is its most
PERF_HZ = 499  # more often than porthole: what is rare must be in its set
PYTHON = """
import json
def rec(n, d):
    if n:
        return rec(n - 1, d)
    json.loads(json.dumps(d))
    return sorted(d, key=lambda k: d[k][1])
d = {str(i): [i, i * 2.5, str(i) * 3] for i in range(60)}
while True:
    rec(5, d)
"""
CXX = """
#include <algorithm>
#include <map>
#include <string>
#include <vector>
int main()
{
	for (unsigned x = 1;; x++) {
		std::map<std::string, std::vector<unsigned>> m;
		for (unsigned i = 0; i < 500; i++)
			m[std::to_string((x + i) * 2654435761u % 97)].push_back(i * 2654435761u);
		for (auto &p : m)
			std::sort(p.second.begin(), p.second.end(),
				  [](unsigned a, unsigned b) { return a % 1000 < b % 1000; });
	}
}
"""
RUST = """
use std::collections::BTreeMap;
fn main() {
    let mut x = 1u32;
    loop {
        let mut m: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for i in 0..500u32 {
            m.entry(format!("{}", (x + i).wrapping_mul(2654435761) % 97)).or_default().push(i);
        }
        for v in m.values_mut() {
            v.sort_by_key(|a| a.wrapping_mul(40503) % 1000);
        }
        x = x.wrapping_add(m.len() as u32);
    }
}
"""


def source(name, text, *command):
    with open(work(name), "w") as f:
        f.write(text)
    run([*command, work(name)])


def build_tools():
    """The loads, optimised and without frame pointers."""
    source("chain.cc", CXX, "g++", "-O2", "-fomit-frame-pointer", "-o", work("load-cxx"))
    run(["gcc", "-std=gnu11", "-D_GNU_SOURCE", "-O2", "-fomit-frame-pointer", "-o", work("load-c"),
         os.path.join(ROOT, "test", "e2e", "profile_tool.c")])


def build_rust():
    if not shutil.which("rustc"):
        raise Absent("no rustc")
    source("chain.rs", RUST, "rustc", "-O", "-C", "force-frame-pointers=no", "-o",
           work("load-rust"))


class Load:
    """A program that is busy; the process of self.pid is the one to look at."""

    def __init__(self, argv, client=None):
        self.procs = [subprocess.Popen(argv, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)]
        self.pid = self.procs[0].pid
        if client:
            time.sleep(0.7)
            self.procs.append(subprocess.Popen(client, stdout=subprocess.DEVNULL,
                                               stderr=subprocess.DEVNULL))

    def stop(self):
        for p in reversed(self.procs):
            p.kill()
            p.wait()


def load_rust():
    build_rust()
    return Load([work("load-rust")])


def load_redis():
    if not shutil.which("redis-server"):
        raise Absent("no redis-server")
    return Load(["redis-server", "--port", "7391", "--save", "", "--appendonly", "no"],
                ["redis-benchmark", "-p", "7391", "-n", "1000000000", "-t", "set,get,lpush,zadd"])


LOADS = {
    "C": lambda: Load([work("load-c"), "chain", "3600"]),
    "C++": lambda: Load([work("load-cxx")]),
    "Rust": load_rust,
    "python3": lambda: Load(["/usr/bin/python3", "-c", PYTHON]),
    "openssl": lambda: Load(["openssl", "speed", "-seconds", "600", "rsa2048"]),
    "redis": load_redis,
}


# --- both see the same program ---

def mappings(pid):
    """Executable mappings of files, and the vDSO: start, end, offset, name."""
    found = []
    with open(f"/proc/{pid}/maps") as f:
        for line in f:
            m = re.match(r"(\w+)-(\w+) ..x. (\w+) \S+ \d+ *(.*)", line)
            if m:
                found.append((int(m[1], 16), int(m[2], 16), int(m[3], 16), m[4]))
    return found


def place(maps, ip):
    for start, end, off, name in maps:
        if start <= ip < end:
            return name, ip - start + off
    return "?", 0


def porthole_chains(pid, seconds):
    """Samples of the process: (addresses, end), innermost first."""
    text = subprocess.run([PORTHOLE, "events", "--alone", "--kind", "sample", "--where",
                           f"proc.pid = {pid}", "-f", "sample.end,sample.addresses", "-o", "json",
                           "--for", f"{seconds}s"], capture_output=True, text=True, check=True)
    for line in text.stdout.splitlines():
        e = json.loads(line)
        if e.get("sample.addresses"):
            yield [int(a, 16) for a in e["sample.addresses"].split(",")], e.get("sample.end")


def perf_chains(pid, seconds):
    """Likewise, as (file, offset in it); perf too has return addresses - 1."""
    data = work("perf.data")
    run(["perf", "record", "-q", "-F", str(PERF_HZ), "-e", "cpu-clock:u", "--call-graph",
         f"dwarf,{DUMP_BYTES}", "-p", str(pid), "-o", data, "--", "sleep", str(seconds)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    text = subprocess.run(["perf", "script", "-i", data, "--no-inline", "-F", "ip,dso"],
                          capture_output=True, text=True).stdout
    for block in text.split("\n\n"):
        chain = [(name, int(ip, 16))
                 for ip, name in re.findall(r"^\s*([0-9a-f]+) \((.*)\)$", block, re.M)]
        if chain:
            yield chain, "perf"
    os.remove(data)


class Functions:
    """Addresses to the functions that the unwind tables' entries describe: the same for both."""

    def __init__(self, pid):
        self.maps, self.tables, self.pid = mappings(pid), {}, pid

    def table(self, name):
        """Of a file: its executable segments and where its functions begin."""
        if name not in self.tables:
            self.tables[name] = fde_starts(name) if name.startswith("/") else ([], [])
        return self.tables[name]

    def of(self, frame):
        """Of an address of porthole's, or a pair of perf's."""
        name, off = frame if isinstance(frame, tuple) else place(self.maps, frame)
        segments, starts = self.table(name)
        for at, address, size in segments:
            if at <= off < at + size:
                return os.path.basename(name), enclosing(starts, off - at + address)
        return os.path.basename(name), 0


def fde_starts(path):
    out = subprocess.run(["readelf", "-W", "-l", "--debug-dump=frames", path], capture_output=True,
                         text=True, errors="replace").stdout
    segments = [tuple(int(x, 16) for x in m) for m in re.findall(
        r"^  LOAD +(0x\w+) (0x\w+) 0x\w+ (0x\w+) 0x\w+ R E", out, re.M)]
    return segments, sorted({int(pc, 16) for pc in re.findall(r" FDE .*pc=(\w+)\.\.", out)})


def enclosing(starts, at):
    """The function that @at is in; 0: none."""
    n = bisect.bisect_right(starts, at)
    return starts[n - 1] if n else 0


class Chains:
    def __init__(self, functions, samples):
        self.calls, self.leaves, self.ends, self.n = Counter(), Counter(), Counter(), 0
        for addresses, end in samples:
            self.n += 1
            self.ends[end] += 1
            self.calls[tuple(functions.of(a) for a in addresses)] += 1


def agree(chains, other):
    """Samples of a chain that the other has too, and of those that end in the other's way."""
    outer = {c[-1] for c, n in other.calls.items() if n > 1}
    same = sum(n for c, n in chains.calls.items() if c in other.calls)
    end = sum(n for c, n in chains.calls.items() if c[-1] in outer)
    return same, end


def callers(chains):
    """Each function's callers, as far as chains go: what must agree when whole chains are rare."""
    return {pair for c in chains.calls for pair in zip(c, c[1:])}


def judged(chains, other):
    """Samples all of whose calls the other has seen, from an outermost frame it has seen."""
    known, outer = callers(other), {c[-1] for c in other.calls}
    return sum(n for c, n in chains.calls.items()
               if c[-1] in outer and all(p in known for p in zip(c, c[1:])))


def show(chain):
    return " < ".join(f"{name}+{off:#x}" for name, off in chain)


def compare(table, name, seconds, turns):
    load = LOADS[name]()
    try:
        time.sleep(0.5)
        functions = Functions(load.pid)
        list(porthole_chains(load.pid, 3))  # tables are made
        ours, theirs = [], []
        for _ in range(turns):
            ours += porthole_chains(load.pid, seconds)
            theirs += perf_chains(load.pid, seconds)
    finally:
        load.stop()
    p, d = Chains(functions, ours), Chains(functions, theirs)
    if not p.n or not d.n:
        raise Absent(f"{name}: {p.n} samples of porthole, {d.n} of perf")
    same, end = agree(p, d)
    back, _ = agree(d, p)
    good = judged(p, d) / p.n
    # What rarity alone takes away: as many of perf's samples against the others of perf's.
    step = max(2, d.n // p.n)
    part = Chains(functions, theirs[::step])
    rest = Chains(functions, [c for i, c in enumerate(theirs) if i % step])
    own = judged(part, rest) / part.n
    table.bar(f"{name}: stacks of calls that perf (dwarf) saw too, of {p.n} samples",
              f"{100 * good:.2f} %, of perf's own by the same measure {100 * own:.2f} %; whole chains {100 * same / p.n:.2f} %, same outermost frame "
              f"{100 * end / p.n:.2f} %; perf's chains seen by porthole {100 * back / d.n:.2f} % of "
              f"{d.n}; ends {', '.join(f'{k} {n}' for k, n in p.ends.most_common())}",
              ">= 99 %", good >= 0.99)
    odd = [(n, c) for c, n in p.calls.most_common() if c not in d.calls]
    for n, c in odd[:3]:
        say(f"{name}: only porthole, {n} times: {show(c)}")
    for n, c in [(n, c) for c, n in d.calls.most_common() if c not in p.calls][:3]:
        say(f"{name}: only perf, {n} times: {show(c)}")


# --- cost ---

BPF_ENABLE_STATS = 32
SYS_BPF = 321
PERF_EVENT = "7"  # prog_type of a program on a perf event


def stats_enable():
    """A descriptor; as long as it is open the kernel counts its programs' time."""
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.syscall(SYS_BPF, BPF_ENABLE_STATS, ctypes.create_string_buffer(64), 64)
    if fd < 0:
        raise Absent("no BPF_ENABLE_STATS: " + os.strerror(ctypes.get_errno()))
    return fd


def sampler_time(pid):
    """Nanoseconds and runs of the process's programs on perf events."""
    total = [0, 0]
    for f in os.listdir(f"/proc/{pid}/fdinfo"):
        try:
            with open(f"/proc/{pid}/fdinfo/{f}") as info:
                d = dict(line.split(":\t", 1) for line in info.read().splitlines() if ":\t" in line)
        except OSError:
            continue
        if d.get("prog_type") == PERF_EVENT:
            total[0] += int(d.get("run_time_ns", 0))
            total[1] += int(d.get("run_cnt", 0))
    return total


def profile_command(seconds):
    if subprocess.run([PORTHOLE, "profile", "--help"], capture_output=True).returncode == 0:
        return [PORTHOLE, "profile", "--for", f"{seconds}s", "-o", "folded"]
    return [PORTHOLE, "events", "--alone", "--kind", "sample", "--for", f"{seconds}s",
            "--format", "%sample.depth"]


def cost_porthole(seconds, warm):
    p = subprocess.Popen(profile_command(seconds + warm + 10), stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
    try:
        time.sleep(warm)
        cpu, kernel, begin = cpu_ns(p.pid), sampler_time(p.pid), time.monotonic()
        time.sleep(seconds)
        wall = (time.monotonic() - begin) * 1e9
        after = sampler_time(p.pid)
        return {"kernel": (after[0] - kernel[0]) / wall * 100,
                "ns": (after[0] - kernel[0]) / max(1, after[1] - kernel[1]),
                "user": (cpu_ns(p.pid) - cpu) / wall * 100,
                "rss": status_kib(p.pid, "VmRSS") / 1024, "peak": status_kib(p.pid, "VmHWM") / 1024}
    finally:
        process_end(p)


def cost_perf(seconds):
    data = work("perf.data")
    p = subprocess.Popen(["perf", "record", "-q", "-F", "99", "-e", "cpu-clock", "-g",
                          "--call-graph", "dwarf", "-a", "-o", data], stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
    try:
        time.sleep(1)
        cpu, size, begin = cpu_ns(p.pid), os.path.getsize(data), time.monotonic()
        time.sleep(seconds)
        wall = time.monotonic() - begin
        return ((cpu_ns(p.pid) - cpu) / wall / 1e7,
                (os.path.getsize(data) - size) / wall / (1 << 20))
    finally:
        process_end(p)
        if os.path.exists(data):
            os.remove(data)


def bench_cost(table, quick):
    seconds, turns = (5, 1) if quick else (10, 3)
    stats = stats_enable()
    busy = [LOADS["python3"](), LOADS["C++"]()]
    try:
        ours, theirs = [], []
        for turn in range(turns):
            say(f"profiling at 99 Hz, run {turn + 1}")
            ours.append(cost_porthole(seconds, 8))
            if shutil.which("perf"):
                theirs.append(cost_perf(seconds))
    finally:
        for load in busy:
            load.stop()
        os.close(stats)
    of = {k: [o[k] for o in ours] for k in ours[0]}
    table.bar("profiling at 99 Hz, 2 busy CPUs: kernel's part, of one CPU",
              f"{spread(of['kernel'], 1, 3, ' %')}; {spread(of['ns'], 1e-3, 1, ' us')} a sample",
              "<= 0.5 %", statistics.median(of["kernel"]) <= 0.5)
    table.bar("the same: user part after 8 s, of one CPU", spread(of["user"], 1, 3, " %"),
              "<= 0.5 %", statistics.median(of["user"]) <= 0.5)
    table.bar("the same: resident memory; peak", f"{spread(of['rss'], 1, 1, ' MiB')}; "
              f"{max(of['peak']):.1f} MiB", "< 64; < 96 MiB",
              max(of["rss"]) < 64 and max(of["peak"]) < 96)
    if theirs:
        table.info("the same with `perf record -F 99 -g --call-graph dwarf -a`: perf's CPU; written",
                   f"{spread([t[0] for t in theirs], 1, 2, ' %')} of one CPU; "
                   f"{spread([t[1] for t in theirs], 1, 1, ' MiB/s')}")


def bench_cost_alone(table, quick):
    build_tools()
    bench_cost(table, quick)


def bench_profile(table, quick):
    bench_cost_alone(table, quick)
    if not shutil.which("perf"):
        raise Absent("no perf (Debian's linux-perf)")
    for name in LOADS:
        say(f"stacks of {name}")
        try:
            compare(table, name, 3 if quick else 10, 1 if quick else 3)
        except (Absent, OSError, subprocess.SubprocessError) as why:
            table.skip(f"{name}: stacks that perf saw too", ">= 99 %", str(why))
