"""Conversations of captures said again, byte for byte, between two sockets on loopback: l7_play.py TIMES FILE.pcap...

Each segment is sent and read whole before the next, in the capture's order, over a connection for each of its own, to
the port it had (another, where that is taken); all of them TIMES times, a second apart.
"""
import socket
import subprocess
import sys
import time


def segments(path):
    """(stream, from, to, bytes), as tshark puts them in order; no bytes: the connection is asked for."""
    fields = ('tcp.stream', 'tcp.srcport', 'tcp.dstport', 'tcp.payload')
    out = subprocess.run(['tshark', '-r', path, '-T', 'fields', *[x for f in fields for x in ('-e', f)], '-Y',
                          '(tcp.len > 0 && !tcp.analysis.retransmission) || (tcp.flags.syn == 1 && tcp.flags.ack == 0)'],
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout.decode()
    for line in out.splitlines():
        stream, src, dst, data = line.split('\t')
        yield stream, int(src), int(dst), bytes.fromhex(data)


def listener(port):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        s.bind(('127.0.0.1', port))
    except OSError:
        s.bind(('127.0.0.1', 0))
    s.listen(16)
    return s


def play(conversation):
    listeners, ports, open_ = {}, {}, {}
    for stream, src, dst, data in conversation:
        port = ports.setdefault(stream, min(src, dst) if data else dst)
        if not data:
            continue
        if stream not in open_:
            lsn = listeners.get(port) or listeners.setdefault(port, listener(port))
            client = socket.create_connection(lsn.getsockname())
            open_[stream] = (client, lsn.accept()[0])
        client, server = open_[stream]
        a, b = (server, client) if src == port else (client, server)
        a.sendall(data)
        left = len(data)
        while left:
            left -= len(b.recv(left))
    for s in [s for pair in open_.values() for s in pair] + list(listeners.values()):
        s.close()


conversations = [list(segments(p)) for p in sys.argv[2:]]
for i in range(int(sys.argv[1])):
    time.sleep(i > 0)
    for c in conversations:
        play(c)
