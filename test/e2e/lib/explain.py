"""porthole requests --explain against servers whose time goes where their routes say."""
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import e2e
from e2e import DIR, PORTHOLE, done, ok

SECONDS = 0.15      # that each route takes, at least
lock = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    wbufsize = -1   # head and body in one send
    down = None     # port of the server that /down asks

    def log_message(self, *args):
        pass

    def do_GET(self):
        getattr(self, 'serve_' + self.path[1:])()
        self.send_response(200)
        self.send_header('Content-Length', '2')
        self.end_headers()
        self.wfile.write(b'ok')
        self.wfile.flush()

    def serve_burn(self):
        end = time.thread_time() + SECONDS
        while time.thread_time() < end:
            pass

    def serve_sleep(self):
        time.sleep(SECONDS)

    def serve_lock(self):
        held = threading.Event()

        def hold():
            with lock:
                held.set()
                time.sleep(SECONDS)
        t = threading.Thread(target=hold)
        t.start()
        held.wait()
        with lock:
            pass
        t.join()

    def serve_fsync(self):
        end = time.monotonic() + SECONDS
        with open(os.path.join(DISK, 'f%d' % threading.get_ident()), 'wb', 0) as f:
            while time.monotonic() < end:
                f.write(b'x')
                os.fsync(f.fileno())

    def serve_down(self):
        c = http.client.HTTPConnection('127.0.0.1', self.down)
        for _ in range(2):
            c.request('GET', '/sleep')
            c.getresponse().read()
        c.close()


DISK = os.environ.get('EXPLAIN_DISK', DIR)


class Server(ThreadingHTTPServer):
    daemon_threads = True


def serve(port_of_down):
    """In a child: the port comes out at its standard output."""
    Handler.down = port_of_down
    s = Server(('127.0.0.1', 0), Handler)
    print(s.server_address[1], flush=True)
    s.serve_forever()


def serve_loop():
    """One thread, whatever comes is answered SECONDS later: requests that come meanwhile overlap."""
    import asyncio

    async def one(reader, writer):
        while await reader.readuntil(b'\r\n\r\n'):
            await asyncio.sleep(SECONDS)
            writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')

    async def main():
        async def quiet(reader, writer):
            try:
                await one(reader, writer)
            except asyncio.IncompleteReadError:
                writer.close()
        s = await asyncio.start_server(quiet, '127.0.0.1', 0)
        print(s.sockets[0].getsockname()[1], flush=True)
        await s.serve_forever()
    asyncio.run(main())


def server(*args):
    p = e2e.start([sys.executable, os.path.abspath(__file__), *args], stdout=subprocess.PIPE,
                  env=dict(os.environ, EXPLAIN_DISK=DISK))
    return int(p.stdout.readline())


def get(port, path):
    c = http.client.HTTPConnection('127.0.0.1', port)
    c.request('GET', path)
    c.getresponse().read()
    c.close()


class Watch:
    """porthole requests --explain ARGS of the server at @port, while the block runs."""

    def __init__(self, *args, ready):
        self.out = open(os.path.join(DIR, 'out'), 'w+b')
        self.err = open(os.path.join(DIR, 'err'), 'w+b')
        self.ready = ready
        self.p = e2e.start([PORTHOLE, 'requests', '--explain', *args], stdout=self.out, stderr=self.err)

    def __enter__(self):
        end = time.monotonic() + 30
        while time.monotonic() < end and not self.text():   # until one of them is seen
            get(self.ready, '/sleep')
        return self

    def text(self):
        self.out.seek(0)
        return self.out.read()

    def __exit__(self, *args):
        time.sleep(0.5)
        self.p.terminate()
        self.p.wait()


def parts(o):
    return {k[9:]: v for k, v in o.items() if k.startswith('req.time.') and isinstance(v, (int, float))
            and k != 'req.time.calls'}


def check_routes(port):
    routes = {'/burn': ('cpu',), '/sleep': ('sleep',), '/lock': ('lock',), '/fsync': ('disk',),
              '/down': ('network',)}
    with Watch('-o', 'json', '--where', 'fd.sport=%d' % port, ready=port) as w:
        for path in routes:
            get(port, path)
    w.err.seek(0)
    got = {}
    for o in e2e.objects(w.text()):
        if o.get('req.side') == 'server':
            got[o['req.resource']] = o
    for path, want in routes.items():
        o = got.get(path)
        if not ok(o is not None, '%s is seen' % path, sorted(got), w.err.read()):
            continue
        p = parts(o)
        # The machine may be busy: what was waited for a CPU is left out. A sync costs CPU time too.
        left = {k: v for k, v in p.items() if k != 'runnable' and (path != '/fsync' or k != 'cpu')}
        most = max(left, key=left.get) if left else None
        ok(most in want and left[most] > 0.6 * sum(left.values()), '%s: most of its time is %s' % (path, want[0]),
           p, o.get('req.time.unknown'))
        ok(abs(sum(p.values()) - o['req.latency_ns']) < 2e6, '%s: the parts add up to its latency' % path,
           sum(p.values()), o['req.latency_ns'])
        calls = 2 if path == '/down' else 0
        ok(o.get('req.calls') == calls and o.get('req.time.calls', 0) >= calls * SECONDS * 0.95e9,
           '%s: %d calls of others' % (path, calls), o.get('req.calls'), o.get('req.time.calls'))


def check_text(port):
    with Watch('--slow', '100ms', '--where', 'fd.sport=%d and req.side=server' % port, ready=port) as w:
        get(port, '/down')
        get(port, '/burn')
    text = w.text().decode()
    blocks = text.split('127.0.0.1:')
    ok('\n    sleep 1' in text and '\n    on CPU 1' in text and '\n    network 3' in text,
       'text: the largest part comes first', text)
    ok('\n    of that in 2 calls 3' in text and text.count('\n      http GET /sleep of 127.0.0.1:') == 2,
       'text: the calls are named', text)
    ok('\n    connection: round trip ' in text, 'text: the connection', text)
    ok(len(blocks) > 2, 'text: a line each', text)


def check_shared(port):
    with Watch('-o', 'json', '--where', 'fd.sport=%d and req.side=server' % port, ready=port) as w:
        time.sleep(2.5 * SECONDS)
        threads = [threading.Thread(target=get, args=(port, '/both%d' % i)) for i in range(2)]
        threads[0].start()
        time.sleep(SECONDS / 2)
        threads[1].start()
        for t in threads:
            t.join()
        time.sleep(SECONDS)
        get(port, '/alone')
    got = {o['req.resource']: o for o in e2e.objects(w.text())}
    for path in ('/both0', '/both1'):
        o = got.get(path, {})
        ok('other requests open' in o.get('req.time.unknown', '') and not parts(o),
           'one thread for several: unknown, %s' % path, o)
    o = got.get('/alone', {})
    p = parts(o)
    ok(p and max(p, key=p.get) == 'poll', 'alone: its thread polls', o)


def check_usual(port):
    out = os.path.join(DIR, 'usual')
    with open(out, 'w+b') as f:
        p = e2e.start([PORTHOLE, 'requests', '-o', 'json', '-n', '1', '--for', '20s', '--where', 'fd.sport=%d' % port],
                      stdout=f, stderr=subprocess.DEVNULL)
        while p.poll() is None:
            get(port, '/sleep')
        f.seek(0)
        o = json.loads(f.read() or b'{}')
    ok('req.latency_ns' in o and not parts(o), 'without --explain there are none', o)


if __name__ == '__main__':
    if sys.argv[1:2] == ['serve']:
        serve(int(sys.argv[2]))
    elif sys.argv[1:2] == ['loop']:
        serve_loop()
    else:
        port = server('serve', str(server('serve', '0')))
        check_routes(port)
        check_text(port)
        check_shared(server('loop'))
        check_usual(port)
        done()
