"""Profiling: whether stacks agree with perf's of DWARF, and what sampling costs, perf beside."""
import ctypes
import os
import shutil
import statistics
import subprocess
import time

import stacks
from measure import PORTHOLE, ROOT, Absent, cpu_ns, process_end, run, say, spread, status_kib, work

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
            stacks.compare(table, name, LOADS[name](), 5 if quick else 20)
        except (Absent, OSError, subprocess.SubprocessError) as why:
            table.skip(f"{name}: stacks of the same instant as perf's", ">= 99 %", str(why))
