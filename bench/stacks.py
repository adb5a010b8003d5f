"""
Stacks of the same instants, porthole's and perf's: porthole's program is put on the very events that
`perf record --call-graph dwarf` opened, so that each of perf's samples has one of porthole's, and the
two are compared frame by frame, address by address.
"""
import bisect
import ctypes
import json
import os
import re
import signal
import struct
import subprocess
import time
from collections import Counter

from measure import PORTHOLE, Absent, process_end, say, work

SYS_PIDFD_OPEN, SYS_PIDFD_GETFD, SYS_BPF = 434, 438, 321
BPF_PROG_GET_FD_BY_ID = 13
PERF_EVENT_IOC_SET_BPF = 0x40042408
PERF_EVENT = "7"  # prog_type of a program on a perf event
HZ = 499
DUMP_BYTES = 32768  # of the stack perf copies a sample; 65528 is its most
NEAR_NS = 10_000_000  # the two samples of an instant: the host may stop the machine between them
KERNEL = 1 << 63

libc = ctypes.CDLL(None, use_errno=True)


def syscall(*args):
    r = libc.syscall(*args)
    if r < 0:
        raise Absent(os.strerror(ctypes.get_errno()))
    return r


def fdinfo(pid):
    for f in os.listdir(f"/proc/{pid}/fdinfo"):
        try:
            with open(f"/proc/{pid}/fdinfo/{f}") as info:
                yield int(f), dict(line.split(":\t", 1) for line in info.read().splitlines()
                                   if ":\t" in line)
        except OSError:
            continue


def program_fd(pid):
    """Of the program that takes samples."""
    for _ in range(100):
        for _, d in fdinfo(pid):
            if d.get("prog_type") == PERF_EVENT:
                attr = ctypes.create_string_buffer(struct.pack("I", int(d["prog_id"])) + bytes(60))
                return syscall(SYS_BPF, BPF_PROG_GET_FD_BY_ID, attr, 64)
        time.sleep(0.1)
    raise Absent("porthole has no program on a perf event")


def event_fds(pid):
    """Copies of the events that @pid has open."""
    pidfd = syscall(SYS_PIDFD_OPEN, pid, 0)
    try:
        for f in os.listdir(f"/proc/{pid}/fd"):
            try:
                if os.readlink(f"/proc/{pid}/fd/{f}") == "anon_inode:[perf_event]":
                    yield syscall(SYS_PIDFD_GETFD, pidfd, int(f), 0)
            except OSError:
                continue
    finally:
        os.close(pidfd)


def share(porthole, perf):
    """porthole's program onto perf's events, as soon as they are there: how many took it."""
    prog, n = program_fd(porthole), 0
    for _ in range(300):
        for f in event_fds(perf):
            n += libc.ioctl(f, ctypes.c_ulong(PERF_EVENT_IOC_SET_BPF), prog) == 0
            os.close(f)
        if n:
            break
        time.sleep(0.1)
    os.close(prog)
    if not n:
        raise Absent("porthole's program cannot be put on perf's events")
    return n


# --- both sides' samples: thread, boot time in ns, and what they say ---

def porthole_samples(path):
    ahead = time.clock_gettime_ns(time.CLOCK_REALTIME) - time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    with open(path) as f:
        for e in map(json.loads, f):
            if e.get("sample.addresses"):
                yield (e["thread.tid"], e["evt.time"] - ahead, e["sample.end"],
                       [int(a, 16) for a in e["sample.addresses"].split(",")])


def perf_samples(data):
    """User frames as (file, offset in it), the stack pointer."""
    p = subprocess.Popen(["perf", "script", "-i", data, "--no-inline", "--ns",
                          "--max-stack", "1024", "-F", "tid,time,ip,dso,uregs"], stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL, text=True, errors="replace")
    head, frames = None, []
    with p:
        for line in p.stdout:
            m = re.match(r"\s*(\d+)\s+(\d+)\.(\d{9}):", line)
            if m:
                head, frames = (int(m[1]), int(m[2]) * 10**9 + int(m[3])), []
            m = re.match(r"\s+([0-9a-f]+) \((.*)\)$", line)
            if m and int(m[1], 16) < KERNEL:
                frames.append((m[2], int(m[1], 16)))
            m = re.search(r"\bSP:0x([0-9a-f]+)", line)
            if m and head:
                yield *head, int(m[1], 16), frames
                head = None


class Mappings:
    def __init__(self, pid):
        self.all = []
        with open(f"/proc/{pid}/maps") as f:
            for line in f:
                m = re.match(r"(\w+)-(\w+) \S+ (\w+) \S+ \d+ *(.*)", line)
                self.all.append((int(m[1], 16), int(m[2], 16), int(m[3], 16), m[4]))
        self.starts = [m[0] for m in self.all]

    def of(self, address):
        n = bisect.bisect_right(self.starts, address)
        return self.all[n - 1] if n and address < self.all[n - 1][1] else (address, address, 0, "?")

    def place(self, address):
        start, _, off, name = self.of(address)
        return name, address - start + off if name else address  # as perf has what is compiled later

    def above(self, sp):
        """Bytes of stack from @sp to its mapping's end."""
        return self.of(sp)[1] - sp


def both(maps, perf, porthole):
    """
    Pairs of one instant: (stack pointer, perf's frames, porthole's, porthole's end); and perf's that
    have no partner. The kernel runs porthole's program just before it writes perf's sample.
    """
    times = {}
    for tid, t, end, ips in sorted(porthole):
        times.setdefault(tid, ([], []))
        times[tid][0].append(t)
        times[tid][1].append((end, [maps.place(ip) for ip in ips]))
    for tid, t, sp, frames in perf:
        at, stacks = times.get(tid, ([], []))
        near = range(bisect.bisect_left(at, t - NEAR_NS), bisect.bisect_right(at, t + NEAR_NS))
        near = [n for n in near if frames and stacks[n][1][0][1] == frames[0][1]]
        if near:
            yield (sp, frames, *reversed(stacks[min(near, key=lambda n: abs(at[n] - t))]))
        else:
            yield sp, frames, None, None


def same_frame(ours, theirs):
    """perf shows some return addresses as they are, some less 1: in the call."""
    return ours[1] == theirs[1] or ours[1] - 1 == theirs[1]


SAME, CUT, EARLY, UNPROVED, SHORT, OTHER, ALONE = (
    "same", "perf ended earlier, its copy of the stack was cut", "perf ended earlier, in its copy",
    "perf ended earlier, nothing proves the rest of porthole's", "porthole ended earlier",
    "different", "only perf's")


def judge(maps, sp, theirs, ours):
    """How a pair compares, and how many frames are the same."""
    if not ours:
        return ALONE, 0
    n = next((i for i, (a, b) in enumerate(zip(ours, theirs)) if not same_frame(a, b)),
             min(len(ours), len(theirs)))
    if n == len(ours) == len(theirs):
        return SAME, n
    if n == len(theirs):
        return (CUT if maps.above(sp) > DUMP_BYTES else EARLY), n
    return (SHORT if n == len(ours) else OTHER), n


def calls(frames):
    return list(zip(frames, frames[1:]))


def rest_proved(seen, n, ours, why):
    """Whether what porthole has beyond the end of perf's stack are calls of stacks that both had."""
    return why == "whole" and all(pair in seen for pair in calls(ours)[max(0, n - 1):])


def show(frames):
    return " < ".join(f"{os.path.basename(name)}+{off:#x}" for name, off in frames)


def record(load, seconds):
    """Files with porthole's and perf's samples; the mappings; when both were on."""
    ours, theirs = work("pairs.json"), work("pairs.data")
    with open(ours, "w") as out:
        porthole = subprocess.Popen(
            [PORTHOLE, "events", "--alone", "--kind", "sample", "--where", f"proc.pid = {load.pid}",
             "-f", "evt.time,thread.tid,sample.end,sample.addresses", "-o", "json"],
            stdout=out, stderr=subprocess.DEVNULL, env=dict(os.environ, PORTHOLE_SAMPLES_SHARED="1"))
    perf = None
    try:
        time.sleep(3)  # tables are made
        perf = subprocess.Popen(
            ["perf", "record", "-q", "-k", "CLOCK_BOOTTIME", "-F", str(HZ), "-e", "cpu-clock",
             "--call-graph", f"dwarf,{DUMP_BYTES}", "-p", str(load.pid), "-o", theirs],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        share(porthole.pid, perf.pid)
        begin, maps = time.clock_gettime_ns(time.CLOCK_BOOTTIME), Mappings(load.pid)
        time.sleep(seconds)
        end = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        perf.send_signal(signal.SIGINT)
        perf.wait(60)
    finally:
        for p in (perf, porthole):
            if p:
                process_end(p)
    return ours, theirs, maps, begin, end


def compare(table, name, load, seconds, bar=True):
    try:
        time.sleep(0.5)
        ours, theirs, maps, begin, end = record(load, seconds)
    finally:
        load.stop()
    perf = [s for s in perf_samples(theirs) if begin < s[1] < end]
    pairs = [(*judge(maps, sp, frames, stack), frames, stack, why)
             for sp, frames, stack, why in both(maps, perf, porthole_samples(ours))]
    seen = {pair for kind, _, _, stack, _ in pairs if kind == SAME for pair in calls(stack)}
    counts, odd = Counter(), {}
    for kind, n, frames, stack, why in pairs:
        if kind in (CUT, EARLY) and not rest_proved(seen, n, stack, why):
            kind = UNPROVED
        counts[kind] += 1
        if kind not in (SAME, ALONE):
            around = slice(max(0, n - 1), n + 2)
            odd.setdefault(kind, Counter())[show(stack[around]), why, show(frames[around])] += 1
    os.remove(theirs)
    os.remove(ours)
    for kind, places in odd.items():
        for (a, why, b), n in places.most_common(5):
            say(f"{name}: {kind}, {n} times: porthole {a} ({why}); perf {b}")
    told(table, name, counts, len(perf), bar)


def told(table, name, counts, n, bar):
    pairs = n - counts[ALONE]
    judged = pairs - counts[CUT] - counts[EARLY]
    if judged < 100:
        raise Absent(f"{n} samples of perf's, {pairs} of them also porthole's, {judged} to compare")
    good = counts[SAME] / judged
    apart = "; ".join(f"{k} {counts[k]}" for k in (SHORT, OTHER, UNPROVED, CUT, EARLY, ALONE) if counts[k])
    what = f"{name}: stacks of the same instant as perf's (dwarf), every frame's address"
    figure = f"{100 * good:.2f} %: {counts[SAME]} of {judged}" + (f"; {apart}" if apart else "")
    if bar:
        table.bar(what, figure, ">= 99 %", good >= 0.99)
    else:
        table.info(what, figure)
