"""The workload and the judge of net.sh: net.py old|work|check DIR.

old    a server that is there before porthole: it accepts one connection, takes one datagram, ends
work   everything else; writes what it did to DIR/facts.json
check  prints TAP: each expectation is fields and values that one event must have together
"""
import ctypes
import errno
import json
import os
import signal
import socket
import sys
import time

SENT, RECEIVED = 12345, 777     # by a client
FAMILIES = {'IPv4': (socket.AF_INET, '127.0.0.1'), 'IPv6': (socket.AF_INET6, '::1')}


def name_set(name):
    ctypes.CDLL(None).prctl(15, name.encode(), 0, 0, 0)     # PR_SET_NAME


def wait_until(what, condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit('gave up waiting for %s' % what)
        time.sleep(0.05)


def contains(path, text):
    with open(path, encoding='utf-8') as f:
        return text in f.read()


def has_line(path):
    return os.path.exists(path) and contains(path, '\n')


def refused(family, address, port):
    with socket.socket(family, socket.SOCK_STREAM) as s:
        return s.connect_ex((address, port)) == errno.ECONNREFUSED


def read_all(s):
    while s.recv(65536):
        pass


def child(name, work):
    pid = os.fork()
    if pid == 0:
        name_set(name)
        work()
        os._exit(0)
    return pid


def free_port(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.bind((address, 0))
        return s.getsockname()[1]


def tcp_work(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as server:
        server.bind((address, 0))
        server.listen(5)
        port = server.getsockname()[1]
        r, w = os.pipe()

        def client():
            server.close()
            with socket.socket(family, socket.SOCK_STREAM) as s:
                s.connect((address, port))
                os.write(w, str(s.getsockname()[1]).encode())
                s.sendall(b'x' * SENT)
                s.shutdown(socket.SHUT_WR)
                read_all(s)

        pid = child('ph-client', client)
        connection, _ = server.accept()
        with connection:
            read_all(connection)
            connection.sendall(b'y' * RECEIVED)
        os.waitpid(pid, 0)
        client_port = int(os.read(r, 16))
    closed = free_port(family, address)
    assert refused(family, address, closed)
    return {'address': address, 'port': port, 'client': pid, 'client_port': client_port,
            'closed': closed}


def udp_work(family, address):
    with socket.socket(family, socket.SOCK_DGRAM) as server:
        server.bind((address, 0))
        port = server.getsockname()[1]
        r, w = os.pipe()

        def client():
            with socket.socket(family, socket.SOCK_DGRAM) as s:
                for _ in range(3):
                    s.sendto(b'hello', (address, port))
                    s.recv(100)
                os.write(w, str(s.getsockname()[1]).encode())

        pid = child('ph-client', client)
        for _ in range(3):
            _, peer = server.recvfrom(100)
            server.sendto(b'yes', peer)
        os.waitpid(pid, 0)
        return {'address': address, 'port': port, 'client': pid,
                'client_port': int(os.read(r, 16))}


def unix_work(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen(1)

        def client():
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(path)
                s.sendall(b'x')

        pid = child('ph-client', client)
        connection, _ = server.accept()
        with connection:
            read_all(connection)
        os.waitpid(pid, 0)
    return {'path': path.replace('\0', '@'), 'client': pid}


def mapped_work():
    """An IPv4 client of an IPv6 socket."""
    with socket.create_server(('::', 0), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        port = server.getsockname()[1]
        with socket.create_connection(('127.0.0.1', port)) as client:
            connection, _ = server.accept()
            connection.close()
            return {'port': port, 'client_port': client.getsockname()[1]}


def signal_work():
    target = child('ph-target', signal.pause)
    wait_until('the target', lambda: contains('/proc/%d/comm' % target, 'ph-target'))
    os.kill(target, signal.SIGTERM)
    os.waitpid(target, 0)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    os.kill(os.getpid(), signal.SIGUSR1)
    return {'target': target}


def old(folder):
    name_set('ph-old')
    with socket.create_server(('127.0.0.1', 0)) as server, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(('127.0.0.1', 0))
        facts = {'pid': os.getpid(), 'port': server.getsockname()[1],
                 'udp_port': udp.getsockname()[1]}
        with open(folder + '/old.tmp', 'w', encoding='utf-8') as f:
            json.dump(facts, f)
        os.rename(folder + '/old.tmp', folder + '/old.json')
        wait_until('the filtering agent', lambda: refused(*FAMILIES['IPv4'], 1) and
                   has_line(folder + '/filtered'))
        connection, _ = server.accept()
        with connection:
            read_all(connection)
        udp.recv(100)
        signal.pause()


def old_work(folder):
    with open(folder + '/old.json', encoding='utf-8') as f:
        facts = json.load(f)
    with socket.create_connection(('127.0.0.1', facts['port'])) as s:
        s.sendall(b'abc')
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(b'x', ('127.0.0.1', facts['udp_port']))
    return facts


def work(folder):
    name_set('ph-server')
    wait_until('the first event', lambda: refused(*FAMILIES['IPv4'], 1) and
               has_line(folder + '/events') and has_line(folder + '/filtered'))
    facts = {'pid': os.getpid(), 'old': old_work(folder), 'unix': unix_work(folder + '/socket'),
             'abstract': unix_work('\0ph-%d' % os.getpid()),
             'mapped': mapped_work(), 'signal': signal_work()}
    for family, where in FAMILIES.items():
        facts[family] = {'tcp': tcp_work(*where), 'udp': udp_work(*where)}
    with open(folder + '/facts.json', 'w', encoding='utf-8') as f:
        json.dump(facts, f)
    wait_until('the last event', lambda: contains(
        folder + '/events', '"fd.lport":%d' % facts['IPv6']['udp']['client_port']))
    time.sleep(0.3)


def events_read(path):
    with open(path, encoding='utf-8') as f:
        return [json.loads(line) for line in f if line.endswith('\n')]


def expect_tcp(server, family, t, u):
    """Rows: (name, fields of one event)."""
    ends = {'fd.l4proto': 'tcp', 'fd.type': family.lower()}
    at_client = {**ends, 'proc.pid': t['client'], 'proc.name': 'ph-client', 'fd.lip': t['address'],
                 'fd.lport': t['client_port'], 'fd.rip': t['address'], 'fd.rport': t['port']}
    at_server = {**ends, 'proc.pid': server, 'proc.name': 'ph-server', 'fd.lip': t['address'],
                 'fd.lport': t['port'], 'fd.rip': t['address'], 'fd.rport': t['client_port']}
    listening = {**ends, 'proc.pid': server, 'fd.lip': t['address'], 'fd.lport': t['port']}
    no_one = {**ends, 'proc.pid': server, 'fd.rip': t['address'], 'fd.rport': t['closed'],
              'evt.res': 'ECONNREFUSED'}
    yield 'bind', {**listening, 'evt.type': 'bind'}
    yield 'listen', {**listening, 'evt.type': 'listen', 'evt.res': 'SUCCESS'}
    yield 'connect', {**at_client, 'evt.type': 'connect', 'evt.res': 'SUCCESS'}
    yield 'accept', {**at_server, 'evt.type': 'accept4'}
    yield 'close', {**at_server, 'evt.type': 'close'}
    yield 'connect, refused', {**no_one, 'evt.type': 'connect'}
    yield 'tcp_listen', {**listening, 'evt.type': 'tcp_listen', 'tcp.role': 'server'}
    yield 'tcp_connect', {**ends, 'evt.type': 'tcp_connect', 'proc.pid': t['client'],
                          'fd.rip': t['address'], 'fd.rport': t['port'], 'tcp.state': 'SYN_SENT'}
    yield 'tcp_established', {**at_client, 'evt.type': 'tcp_established', 'tcp.role': 'client'}
    yield 'tcp_accept', {**at_server, 'evt.type': 'tcp_accept', 'tcp.role': 'server'}
    yield 'tcp_close of the client, with bytes', {
        **at_client, 'evt.type': 'tcp_close', 'tcp.bytes_sent': SENT,
        'tcp.bytes_received': RECEIVED, 'tcp.retransmits': 0, 'evt.res': 'SUCCESS'}
    yield 'tcp_close of the server, with bytes', {
        **at_server, 'evt.type': 'tcp_close', 'tcp.bytes_sent': RECEIVED,
        'tcp.bytes_received': SENT}
    yield 'tcp_close, refused', {**no_one, 'evt.type': 'tcp_close', 'tcp.oldstate': 'SYN_SENT'}
    ends = {'fd.l4proto': 'udp', 'fd.type': family.lower()}
    at_client = {**ends, 'proc.pid': u['client'], 'fd.lip': u['address'],
                 'fd.lport': u['client_port'], 'fd.rip': u['address'], 'fd.rport': u['port']}
    at_server = {**ends, 'proc.pid': server, 'fd.lip': u['address'], 'fd.lport': u['port'],
                 'fd.rip': u['address'], 'fd.rport': u['client_port']}
    yield 'udp_send of the client', {**at_client, 'evt.type': 'udp_send', 'udp.bytes': 5}
    yield 'udp_receive of the server', {**at_server, 'evt.type': 'udp_receive', 'udp.bytes': 5}
    yield 'udp_send of the server', {**at_server, 'evt.type': 'udp_send', 'udp.bytes': 3}
    yield 'udp_receive of the client', {**at_client, 'evt.type': 'udp_receive', 'udp.bytes': 3}


def expect_rest(f):
    pid, target, old_ = f['pid'], f['signal']['target'], f['old']
    for kind in 'unix', 'abstract':
        unix = {'fd.type': 'unix', 'fd.name': f[kind]['path']}
        yield kind + ': bind', {**unix, 'evt.type': 'bind', 'proc.pid': pid}
        yield kind + ': connect', {**unix, 'evt.type': 'connect', 'proc.pid': f[kind]['client']}
        yield kind + ': accept', {**unix, 'evt.type': 'accept4', 'proc.pid': pid}
    yield 'an IPv4 client of an IPv6 socket is told as IPv4', {
        'evt.type': 'tcp_accept', 'proc.pid': pid, 'fd.type': 'ipv4', 'fd.rip': '127.0.0.1',
        'fd.lport': f['mapped']['port'], 'fd.rport': f['mapped']['client_port']}
    yield 'signal: who, what, to whom', {
        'evt.type': 'signal', 'proc.pid': pid, 'signal.name': 'SIGTERM', 'signal.number': 15,
        'signal.sender': 'process', 'signal.result': 'delivered', 'signal.target.pid': target,
        'signal.target.name': 'ph-target'}
    yield 'signal: ignored', {'evt.type': 'signal', 'proc.pid': pid, 'signal.name': 'SIGUSR1',
                              'signal.result': 'ignored', 'signal.target.pid': pid}
    yield 'signal: a child ended', {'evt.type': 'signal', 'proc.pid': target,
                                    'signal.name': 'SIGCHLD', 'signal.sender': 'kernel',
                                    'signal.target.pid': pid}
    yield 'a server older than porthole: tcp_accept', {
        'evt.type': 'tcp_accept', 'proc.pid': old_['pid'], 'fd.lport': old_['port']}
    yield 'a server older than porthole: tcp_close', {
        'evt.type': 'tcp_close', 'proc.pid': old_['pid'], 'tcp.bytes_received': 3}


def expect_old_udp(old_):
    yield 'a receiver older than porthole', {
        'evt.type': 'udp_receive', 'proc.pid': old_['pid'], 'fd.lport': old_['udp_port']}


def expect_filtered(old_):
    for row in expect_old_udp(old_):
        yield row
    yield 'tcp_accept', {'evt.type': 'tcp_accept', 'fd.lport': old_['port']}
    yield 'tcp_close', {'evt.type': 'tcp_close', 'tcp.role': 'server', 'fd.lport': old_['port']}


class Tap:
    n = failed = 0

    def result(self, good, name):
        self.n += 1
        self.failed += not good
        print('%s %d - %s' % ('ok' if good else 'not ok', self.n, name))

    def expect(self, events, prefix, rows):
        for name, want in rows:
            found = any(all(e.get(k) == v for k, v in want.items()) for e in events)
            self.result(found, prefix + name)
            if not found:
                near = max(events, default={}, key=lambda e: sum(
                    e.get(k) == v for k, v in want.items()))
                print('# wanted %s\n# nearest %s' % (want, {k: near.get(k) for k in want}))


def check(folder):
    if not os.path.exists(folder + '/facts.json'):
        print('not ok 1 - the workload ran\n1..1')
        return 1
    with open(folder + '/facts.json', encoding='utf-8') as f:
        facts = json.load(f)
    events, filtered = events_read(folder + '/events'), events_read(folder + '/filtered')
    old_, tap = facts['old'], Tap()
    for family in FAMILIES:
        tap.expect(events, family + ': ', expect_tcp(
            facts['pid'], family, facts[family]['tcp'], facts[family]['udp']))
    tap.expect(events, '', expect_rest(facts))
    tap.expect(filtered, '--pid: ', expect_filtered(old_))
    tap.result(all(e['proc.pid'] == old_['pid'] for e in filtered), '--pid: nobody else\'s')
    u = facts['IPv4']['udp']
    again = [e for e in events if e['evt.type'] == 'udp_send' and e['proc.pid'] == u['client']]
    tap.result(len(again) == 1, 'three datagrams to one peer are one event')
    print('1..%d' % tap.n)
    return tap.failed != 0


if __name__ == '__main__':
    sys.exit({'old': old, 'work': work, 'check': check}[sys.argv[1]](sys.argv[2]))
