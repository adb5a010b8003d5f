"""What the kernel side of requests captures, against what stream_tool.c did: every call's place in the
stream, size, bytes, and how many of them may be there.

stream.py                           live
stream.py CAPTURE EXPECTED NAME     of a capture and the tool's output made elsewhere (test/vm/host_checks)
"""
import os
import shutil
import socket
import struct
import subprocess
import sys
import time

import capture
import e2e
from e2e import DIR, done, eq, ok, skip

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../stream_tool.c')
TOOL = os.path.join(DIR, 'stream_tool')
STREAM = 23     # enum rec_type
OUT, TLS, CLOSE, DATAGRAM, PASSIVE, OPENED, SKIPPED, FULL = (1 << i for i in range(8))
ROLES = {'client': 1, 'server': 2}
# What src/probe/stream/stream.c sets, and the sizes in stream.bpf.c.
MESSAGE, HEAD, BODY, RUN, UNKNOWN, LOOKS, PIECES = 16384, 4096, 256, 16384, 512, 16, 8192


class Rec:
    def __init__(self, b):
        self.comm = b[48:64].rstrip(b'\0')
        self.pid = struct.unpack_from('<I', b, 32)[0]
        (self.local, self.remote, self.lport, self.rport, self.family, self.proto) = \
            struct.unpack_from('<16s16sHHHH', b, 64)
        (self.id, self.pos, self.seen, self.srtt, self.retrans, off, n, self.flags, self.role) = \
            struct.unpack_from('<QIIIIHHHB', b, 112)
        self.data = b[off:off + n] if off else b''
        self.out = bool(self.flags & OUT)

    def __repr__(self):
        return '%d->%d %s pos %d seen %d data %d flags %#x role %d id %d' % (
            self.lport, self.rport, 'out' if self.out else 'in', self.pos, self.seen,
            len(self.data), self.flags, self.role, self.id)


def byte_at(i, seed):
    return 48 + (i * 7 + i // 251 + 5 * seed) % 64


def stream_bytes(at, n, seed):
    return bytes(byte_at(i, seed) for i in range(at, at + n))


class Budget:
    """How much of a call is copied: the rules, written down once more."""

    def __init__(self):
        self.run = self.way = self.calls = 0

    def of(self, out, n, reach, how):
        way = 1 if out else 2
        if way != self.way:
            self.run = 0
        self.way = way
        most = BODY if self.run > RUN else MESSAGE if n <= MESSAGE else HEAD
        if self.calls >= LOOKS:
            most = min(most, UNKNOWN)
        self.run += n
        self.calls += 1
        if how == 'skipped':
            return 0
        return min(n, most, reach, PIECES if how == 'pieces' else MESSAGE)


class Conn:
    def __init__(self, name, role, origin, recs):
        self.name, self.role, self.origin, self.recs = name, role, origin, recs
        self.budget, self.at, self.wrong, self.base = Budget(), 0, [], {}

    def say(self, *words):
        if len(self.wrong) < 5:
            self.wrong.append(' '.join(map(str, words)))

    def next(self):
        r = self.recs[self.at] if self.at < len(self.recs) else None
        self.at += 1
        return r

    def move(self, out, at, n, reach, how):
        """One call, which may be several records where the bytes do not come from the program."""
        if how == 'maybe' and self.at < len(self.recs) and out in self.base:
            r = self.recs[self.at]
            if r.out != out or (r.pos - self.base[out]) % 2**32 != at:
                return
        while n > 0:
            r = self.next()
            if not r:
                return self.say('no record of', 'out' if out else 'in', at, n)
            here = min(r.seen, n) if how == 'skipped' else n
            want = self.budget.of(out, here, reach, how)
            seed = (self.role == ROLES['client']) == out
            if (r.out, r.seen) != (out, here):
                return self.say('want', 'out' if out else 'in', at, n, 'got', r)
            if (r.pos - self.base.setdefault(out, (r.pos - at) % 2**32)) % 2**32 != at:
                self.say('position', at, 'of', self.base, r)
            if r.data != stream_bytes(at, want, seed):
                self.say('bytes: want', want, 'of', n, 'how', how, 'got', r, r.data[:20])
            flags = (OUT if out else 0) | (OPENED if self.origin == 'begin' else 0) | \
                (SKIPPED if how == 'skipped' else 0) | (FULL if want < here else 0)
            if r.flags != flags or r.role != self.role:
                self.say('flags or role: want %#x, %d' % (flags, self.role), r)
            at += here
            n -= here

    def end(self):
        r = self.next()
        if not r or not r.flags & CLOSE or r.seen or r.data:
            self.say('no end:', r)
        if self.at < len(self.recs):
            self.say('more:', *self.recs[self.at:self.at + 3])
        if len({r.id for r in self.recs}) != 1:
            self.say('several numbers', {r.id for r in self.recs})
        if len({(r.local, r.remote, r.family, r.comm) for r in self.recs}) != 1:
            self.say('several ends', {(r.local, r.remote, r.family, r.comm) for r in self.recs})


def check_streams(words, recs, name):
    conns, names = {}, {}
    for w in words:
        key = tuple(map(int, w[2:4]))
        if w[0] == 'conn':
            conns[key] = Conn(w[1], ROLES[w[4]], w[5], [r for r in recs if (r.lport, r.rport) == key])
            names.setdefault(w[1], []).append(conns[key])
        elif w[0] == 'move':
            conns[key].move(w[4] == 'out', int(w[5]), int(w[6]), int(w[7]), w[8])
    for title, ends in names.items():
        for c in ends:
            c.end()
        a, b = ends
        if not any(c.wrong for c in ends) and a.base[True] != b.base[False]:
            a.say('the two ends do not agree', a.base, b.base)
        ok(not a.wrong and not b.wrong, name + title, 'client:', *a.wrong, 'server:', *b.wrong)


def check_datagrams(words, recs, name):
    titles, seen = {}, {}
    for w in words:
        if w[0] != 'dgram':
            continue
        lport, rport, n, reach, number = int(w[2]), int(w[3]), int(w[5]), int(w[6]), int(w[7])
        out, key = w[4] == 'out', (int(w[2]), int(w[3]), w[4])
        mine = [r for r in recs if (r.lport, r.rport, r.out) == (lport, rport, out)]
        at = seen[key] = seen.get(key, -1) + 1
        wrong = titles.setdefault(w[1], [])
        data = bytes(48 + (i * 7 + number * 3) % 64 for i in range(min(n, reach)))
        if at >= len(mine):
            wrong.append('no record of %s, there are %r' % (w, [r for r in recs if lport in (r.lport, r.rport)]))
        elif (mine[at].seen, mine[at].data, mine[at].flags & ~FULL, mine[at].remote[:4]) != \
                (n, data, DATAGRAM | (OUT if out else 0),
                 socket.inet_aton('127.0.77.53' if rport == 53 else '127.0.77.1')):
            wrong.append('%s: got %r %r from %r' % (w, mine[at], mine[at].data[:30], mine[at].remote))
    for title, wrong in titles.items():
        ok(not wrong, name + title, *wrong[:4])


def check(path, words, name=''):
    recs = [Rec(b) for b in capture.records(path, STREAM)]
    recs = [r for r in recs if r.comm == b'stream_tool']
    check_streams(words, [r for r in recs if r.proto == socket.IPPROTO_TCP], name)
    check_datagrams(words, [r for r in recs if r.proto == socket.IPPROTO_UDP], name)
    none = {}
    for w in words:
        if w[0] == 'none':
            ports = tuple(map(int, w[2:4]))
            none.setdefault(w[1], []).extend(r for r in recs if all(
                p in (0, q) for p, q in zip(ports, (r.lport, r.rport))))
    for title, found in none.items():
        ok(not found, '%s%s: nothing' % (name, title), *found[:3])


def live():
    why = e2e.capable()
    cc = shutil.which('gcc') or shutil.which('cc')
    if not why and (not cc or os.uname().machine != 'x86_64'):
        why = 'needs a C compiler and x86-64'
    if why:
        print('1..0 # SKIP ' + why)
        sys.exit(0)
    subprocess.run([cc, '-std=gnu11', '-O2', '-D_GNU_SOURCE', '-o', TOOL, SOURCE, '-lpthread'], check=True)
    go, cap = DIR + '/go', DIR + '/x.cap'
    p = e2e.start([TOOL, go], stdout=subprocess.PIPE)
    time.sleep(0.2)
    w = e2e.Watch('-w', cap, '--kind', 'request', command=('record',))
    with open(go, 'w'):
        pass
    out = p.communicate(timeout=60)[0].decode()
    eq(p.returncode, 0, 'the work is done')
    time.sleep(0.3)
    status, _, err = w.stop()
    eq((status, err.count(b'\n')), (0, 1), 'recorded, and nothing else is said')
    check(cap, [line.split() for line in out.splitlines()])


if len(sys.argv) > 1:
    with open(sys.argv[2]) as f:
        check(sys.argv[1], [line.split() for line in f], sys.argv[3])
else:
    live()
done()
