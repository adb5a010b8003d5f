"""Bodies of HTTP/1 that are passed over in the kernel (bpf/body.h): what was said, by both ends' requests,
and how few records tell it."""
import os
import socket
import struct
import threading
import time

import capture
import e2e
from e2e import DIR, done, eq, ok

STREAM, PORT = 23, 17093
OUT, SKIPPED = 1, 64
BIG = 700001


def length(n, more=b''):
    return b'HTTP/1.1 200 OK\r\n' + more + b'cOntent-LENGTH:  %d\r\nX: y\r\n\r\n' % n


def chunked(n):
    return b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n' + \
        b''.join(b'1000\r\n' + b'z' * 4096 + b'\r\n' for _ in range(n)) + b'0\r\n\r\n'


def get(path, method=b'GET'):
    return method + b' ' + path + b' HTTP/1.1\r\nHost: h\r\n\r\n'


def post(path, n, more=b''):
    return b'POST ' + path + b' HTTP/1.1\r\nHost: h\r\n' + more + b'Content-Length: %d\r\n\r\n' % n


NEXT = b'HTTP/1.1 204 No Content\r\n\r\n'
# name: steps of (who sends, bytes in pieces), and the requests that are in it: method, path, status, sizes
CASES = {
    'a large answer, its head apart': (
        [('c', get(b'/a')), ('s', length(BIG), b'x' * BIG), ('c', get(b'/a2')), ('s', NEXT)],
        [('GET', '/a', '200', len(get(b'/a')), len(length(BIG)) + BIG), ('GET', '/a2', '204', 29, 27)]),
    'a large answer, its head with it': (
        [('c', get(b'/b')), ('s', length(BIG) + b'x' * BIG), ('c', get(b'/b2')), ('s', NEXT)],
        [('GET', '/b', '200', len(get(b'/b')), len(length(BIG)) + BIG), ('GET', '/b2', '204', 29, 27)]),
    'an upload': (
        [('c', post(b'/c', BIG), b'x' * BIG), ('s', NEXT), ('c', get(b'/c2')), ('s', NEXT)],
        [('POST', '/c', '204', len(post(b'/c', BIG)) + BIG, 27), ('GET', '/c2', '204', 29, 27)]),
    'an upload that waits to be asked for': (
        [('c', post(b'/d', BIG, b'Expect: 100-continue\r\n')), ('s', b'HTTP/1.1 100 Continue\r\n\r\n'),
         ('c', b'x' * BIG), ('s', NEXT)],
        [('POST', '/d', '204', len(post(b'/d', BIG, b'Expect: 100-continue\r\n')) + BIG, None)]),
    'no body behind a length': (
        [('c', get(b'/e', b'HEAD')), ('s', length(BIG)), ('c', get(b'/e2')),
         ('s', b'HTTP/1.1 304 Not Modified\r\nContent-Length: 99999\r\n\r\n'), ('c', get(b'/e3')), ('s', NEXT)],
        [('HEAD', '/e', '200', 29, len(length(BIG))), ('GET', '/e2', '304', 29, 52), ('GET', '/e3', '204', 29, 27)]),
    'no body, and the answers come together': (
        [('c', get(b'/f', b'HEAD')), ('c', get(b'/f2')), ('s', length(BIG)), ('s', NEXT)],
        [('HEAD', '/f', '200', 29, len(length(BIG))), ('GET', '/f2', '204', 29, 27)]),
    'the next answer in the call that ends a body': (
        [('c', get(b'/g') + get(b'/g2')), ('s', length(20000)), ('s', b'x' * 15000), ('s', b'x' * 5000 + NEXT)],
        [('GET', '/g', '200', 28, len(length(20000)) + 20000), ('GET', '/g2', '204', 29, 27)]),
    'a request during an answer': (
        [('c', get(b'/h')), ('s', length(60000) + b'x' * 20000), ('c', get(b'/h2')), ('s', b'x' * 20000),
         ('s', b'x' * 20000), ('s', NEXT)],
        [('GET', '/h', '200', 28, len(length(60000)) + 60000), ('GET', '/h2', '204', 29, 27)]),
    'chunks': (
        [('c', get(b'/i')), ('s', chunked(2)), ('c', get(b'/i2')), ('s', NEXT)],
        [('GET', '/i', '200', 28, len(chunked(2))), ('GET', '/i2', '204', 29, 27)]),
    'a small body': (
        [('c', get(b'/j')), ('s', length(50), b'x' * 50), ('c', get(b'/j2')), ('s', NEXT)],
        [('GET', '/j', '200', 28, len(length(50)) + 50), ('GET', '/j2', '204', 29, 27)]),
}


def receive(s, n):
    while n:
        n -= len(s.recv(min(n, 8192)))


def step(ends, who, *pieces):
    """The pieces are sent by one end, each by itself, and read by the other in calls of 8 KiB at most."""
    reader = threading.Thread(target=receive, args=(ends['cs'.replace(who, '')], sum(map(len, pieces))))
    reader.start()
    for p in pieces:
        ends[who].sendall(p)
    reader.join()


def connection(case, first):
    """@first: an exchange before, so that user space has told what is spoken."""
    c = socket.create_connection(('127.0.0.1', PORT))
    s, _ = LISTEN.accept()
    ends = {'c': c, 's': s}
    if first:
        step(ends, 'c', get(b'/first'))
        step(ends, 's', NEXT)
        time.sleep(0.1)
    for who, *pieces in case:
        step(ends, who, *pieces)
    port = c.getsockname()[1]
    c.close()
    s.close()
    return port


def cut():
    """The server ends in the middle of a body."""
    c = socket.create_connection(('127.0.0.1', PORT))
    s, _ = LISTEN.accept()
    ends = {'c': c, 's': s}
    step(ends, 'c', get(b'/cut'))
    step(ends, 's', length(BIG), b'x' * 100000)
    s.close()
    c.recv(1)
    c.close()
    return c


def told(events, port, side):
    return [(e['req.method'], e['req.resource'], e['req.status'], e['req.request_bytes'], e['req.response_bytes'])
            for e in events if port in (e.get('fd.lport'), e.get('fd.rport')) and e['req.side'] == side
            and e['req.resource'] != '/first']


def same(got, want):
    return len(got) == len(want) and all(
        all(w is None or w == g for g, w in zip(a, b)) for a, b in zip(got, want))


def flow(records, port, server):
    """Of one end: (out, pos, seen, data, flags) of its records with bytes."""
    for b in records:
        lport, rport = struct.unpack_from('<HH', b, 96)
        pos, seen = struct.unpack_from('<II', b, 120)
        n, flags = struct.unpack_from('<HH', b, 138)
        if (lport, rport) == ((PORT, port) if server else (port, PORT)) and not flags & 4:
            yield bool(flags & OUT), pos, seen, n, flags


def main():
    global LISTEN
    why = e2e.capable()
    if why:
        print('1..0 # SKIP ' + why)
        return
    LISTEN = socket.create_server(('127.0.0.1', PORT))
    cap = DIR + '/x.cap'
    w = e2e.Watch('-w', cap, '--kind', 'request', command=('record',))
    ports = {(name, first): connection(case, first) for name, (case, _) in CASES.items() for first in (False, True)}
    cut()
    time.sleep(0.5)
    status, _, err = w.stop()
    eq((status, err.count(b'\n')), (0, 1), 'recorded, and nothing else is said')
    events = e2e.objects(e2e.run('requests', '--replay', cap, '-o', 'json')[1])
    records = list(capture.records(cap, STREAM))
    for (name, first), port in ports.items():
        for side in ('client', 'server'):
            got = told(events, port, side)
            ok(same(got, CASES[name][1]), '%s%s: %s' % (name, ', later' if first else '', side), got, CASES[name][1])
    few(records, ports[('a large answer, its head apart', False)])
    cut_bytes = [(e['req.unanswered'], e['req.response_bytes']) for e in events if e['req.resource'] == '/cut']
    ok(len(cut_bytes) == 2 and all(n == len(length(BIG)) + 100000 for _, n in cut_bytes),
       'a body that was cut off: its bytes are known', cut_bytes)


def few(records, port):
    """The kernel has passed over what it can, where it can."""
    way = list(flow(records, port, False))
    typed = os.path.exists('/sys/kernel/btf/vmlinux') and b'btf_trace_sock_send_length' in \
        open('/sys/kernel/btf/vmlinux', 'rb').read()
    read = [r for r in way if not r[0]]
    if not typed:
        e2e.skip('few records of a body', 'this kernel tells of all')
        return
    ok(len(read) <= 5, 'few records of a body', len(read), read[:8])
    last = [r for r in read if r[4] & SKIPPED]
    ok(last and read[0][1] + len(length(BIG)) + BIG == last[-1][1] + last[-1][2],
       'one ends where the body ends', read)


main()
done()
