"""A node whose agent runs, nginx and redis on it: what commands answer by way of the agent is what happened."""
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

import e2e
from e2e import DIR, PORTHOLE, capable, done, eq, free_port, listens, objects, ok, run, skip, start, until

why = capable()
if why or not shutil.which('nginx') or not shutil.which('redis-server'):
    print('1..0 # SKIP ' + (why or 'no nginx or no redis-server'))
    sys.exit(0)

SOCKET, CONFIG = os.path.join(DIR, 'run/s'), os.path.join(DIR, 'config.yaml')
REQUESTS = 30
HISTORY = os.path.join(DIR, 'history')
HERE = os.path.dirname(os.path.abspath(__file__))


WEB, REDIS = free_port(), free_port()

SLOW_PORT = free_port()
SLOW = r'''
import http.client, http.server, sys, time
class H(http.server.BaseHTTPRequestHandler):
    wbufsize = -1
    def do_GET(self):
        if self.path == '/sleep':
            time.sleep(0.15)
        elif self.path == '/burn':
            end = time.thread_time() + 0.12
            while time.thread_time() < end:
                pass
        else:
            c = http.client.HTTPConnection('127.0.0.1', int(sys.argv[2]))
            c.request('GET', '/good/1')
            c.getresponse().read()
            c.close()
        self.send_response(200)
        self.send_header('Content-Length', '2')
        self.end_headers()
        self.wfile.write(b'ok')
        self.wfile.flush()
    def log_message(self, *a):
        pass
http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), H).serve_forever()
'''

NGINX = '''
daemon off; master_process off; error_log %(dir)s/nginx.err; pid %(dir)s/nginx.pid;
events { }
http {
  access_log %(dir)s/access.log; client_body_temp_path %(dir)s/t1; proxy_temp_path %(dir)s/t2;
  fastcgi_temp_path %(dir)s/t3; uwsgi_temp_path %(dir)s/t4; scgi_temp_path %(dir)s/t5;
  server { listen 127.0.0.1:%(port)d; location / { return 200 "hello"; } location /bad { return 503 "no"; } }
}
'''


def servers():
    os.chmod(DIR, 0o755)
    with open(os.path.join(DIR, 'nginx.conf'), 'w') as f:
        f.write(NGINX % {'dir': DIR, 'port': WEB})
    start(['nginx', '-c', os.path.join(DIR, 'nginx.conf')], stderr=subprocess.DEVNULL)
    start(['redis-server', '--port', str(REDIS), '--bind', '127.0.0.1', '--save', '', '--dir', DIR],
          stdout=subprocess.DEVNULL)
    return until(lambda: listens(WEB) and listens(REDIS), 30)


class Agent:
    def __init__(self, more=''):
        with open(CONFIG, 'w') as f:
            f.write('metrics: {enabled: false}\ncontrol: {socket: "%s"}\nlock: {file: "%s"}\n'
                    'kube: {enabled: false}\nprofile: {directory: "%s"}\nstore: {directory: "%s"%s}\n'
                    % (SOCKET, os.path.join(DIR, 'run/pid'), os.path.join(DIR, 'profiles'),
                       HISTORY, more))
        self.said = open(os.path.join(DIR, 'said'), 'w+')
        self.p = start([PORTHOLE, 'run', '--config', CONFIG], stdout=subprocess.DEVNULL, stderr=self.said,
                       env=dict(os.environ, PORTHOLE_PROFILE_PART_MS='1000'))
        self.up = until(lambda: os.path.exists(SOCKET) or self.p.poll() is not None, 60) and \
            self.p.poll() is None

    def end(self):
        self.p.terminate()
        self.p.wait(20)


class Command:
    """A command by way of the agent, which has answered it when this returns."""

    def __init__(self, *args, **kw):
        self.out = open(os.path.join(DIR, 'out'), 'w+b')
        self.err = open(os.path.join(DIR, 'err'), 'w+b')
        before = clients()
        self.p = start([PORTHOLE, *args, '--socket', SOCKET], stdout=self.out, stderr=self.err, **kw)
        self.came = until(lambda: clients() > before or self.p.poll() is not None)

    def end(self, sig=signal.SIGINT):
        """-> (status, standard output, standard error)"""
        time.sleep(0.3)
        if sig and self.p.poll() is None:
            self.p.send_signal(sig)
        code = self.p.wait(30)
        self.out.seek(0)
        self.err.seek(0)
        return code, self.out.read(), self.err.read().decode()


def ask(request, limit=1 << 20):
    c = socket.socket(socket.AF_UNIX)
    c.settimeout(5)
    c.connect(SOCKET)
    c.send(request if isinstance(request, bytes) else json.dumps(request).encode() + b'\n')
    data = b''
    try:
        while len(data) < limit:
            piece = c.recv(65536)
            if not piece:
                break
            data += piece
    except OSError as e:
        data += repr(e).encode()
    c.close()
    return data


def clients():
    """How many listen. Whoever asks is no listener."""
    return json.loads(ask({'cmd': 'status'}))['clients']


def bpf_programs(pid):
    """How many programs of the kernel the process holds."""
    n = 0
    for fd in os.listdir('/proc/%d/fd' % pid):
        try:
            n += 'bpf-prog' in os.readlink('/proc/%d/fd/%s' % (pid, fd))
        except OSError:
            pass
    return n


def get(path):
    c = http.client.HTTPConnection('127.0.0.1', WEB)
    c.request('GET', path)
    c.getresponse().read()
    c.close()


def traffic(n=REQUESTS):
    for i in range(n):
        get('/bad' if i % 3 == 0 else '/good/%d' % i)
    with socket.create_connection(('127.0.0.1', REDIS)) as s:
        for i in range(n):
            s.sendall(b'*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n')
            s.recv(100)


MINE = ('--where', 'fd.sport in (%d,%d) and req.side=server' % (WEB, REDIS))


def check_requests():
    c = Command('requests', '-o', 'json', *MINE)
    ok(c.came and c.p.poll() is None, 'requests attaches')
    eq(bpf_programs(c.p.pid), 0, 'and has no programs of its own')
    traffic()
    code, out, err = c.end()
    got = objects(out)
    eq((code, err), (0, ''), 'requests ends well')
    web = [o for o in got if o['req.protocol'] == 'http']
    eq((len(web), sum(o['req.status'] == '503' for o in web)), (REQUESTS, REQUESTS // 3), 'all of nginx, with status')
    eq(len([o for o in got if o['req.protocol'] == 'redis']), REQUESTS, 'all of redis')
    ok(not any(k.startswith('req.time.') for o in got for k in o), 'without times, which nobody asked for')
    c = Command('requests', *MINE, '-n', '3')
    traffic()
    code, out, err = c.end(None)
    lines = out.decode().splitlines()
    ok(code == 0 and len(lines) == 3 and all(' GET /' in x and 'http' in x for x in lines), 'text, and a count', out, err)
    c = Command('requests', '--slow', '10s', *MINE)
    traffic(3)
    eq(c.end()[1], b'', '--slow')
    code, out, err = run('requests', '--socket', SOCKET, '--where', 'proc.nmae=x')
    ok(code == 2 and b'proc.name' in err, 'what is wrong is refused as without an agent', err)


def check_top():
    c = Command('requests', 'top', '--by', 'protocol,status', '-o', 'json', *MINE)
    traffic()
    code, out, err = c.end()
    rows = {(r['by']['protocol'], r['by']['status']): r['requests'] for r in objects(out)}
    eq((code, err), (0, ''), 'top ends well')
    eq((rows.get(('http', '200')), rows.get(('http', '503'))), (REQUESTS * 2 // 3, REQUESTS // 3), 'top counts nginx', )
    eq(sum(n for (p, _), n in rows.items() if p == 'redis'), REQUESTS, 'and redis')
    c = Command('requests', 'top', '--by', 'route', '--for', '1s', *MINE)
    traffic()
    code, out, err = c.end(None)
    ok(code == 0 and out.decode().startswith('    REQ/S') and '/good/{' in out.decode(), 'top as a table', out, err)


def check_screen():
    """On a terminal: pages as it goes, fewer lines than it has, the whole at the end."""
    import pty
    import fcntl
    import struct
    import termios
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack('HHHH', 8, 120, 0, 0))
    p = start([PORTHOLE, 'requests', 'top', '--by', 'resource', '--socket', SOCKET, *MINE], stdin=follower,
              stdout=follower, stderr=subprocess.PIPE, env=dict(os.environ, TERM='xterm'), start_new_session=True)
    os.close(follower)
    os.set_blocking(leader, False)
    got = b''
    end = time.monotonic() + 10
    while time.monotonic() < end and got.count(b'requests of the last') < 3:
        traffic(6)
        try:
            got += os.read(leader, 65536)
        except BlockingIOError:
            time.sleep(0.1)
    frames = got.split(b'requests of the last')[1:]
    ok(len(frames) >= 3, 'top on a terminal shows pages', got[:400])
    ok(frames and all(f.count(b'\n') < 8 for f in frames), 'of as many lines as it has', frames[-1:])
    p.send_signal(signal.SIGINT)
    until(lambda: p.poll() is not None)
    rest = b''
    try:
        while True:
            rest += os.read(leader, 65536)
    except OSError:
        pass
    ok(p.returncode == 0 and b'\x1b[?1049l' in rest and rest.count(b'/good/') >= 4, 'and the whole at the end', rest[-600:])
    os.close(leader)


def edges(m):
    return {(m['nodes'][e['client']]['name'], m['nodes'][e['server']]['name'], e['protocol']): e['requests']
            for e in m['edges']}


def check_map():
    c = Command('map', '-o', 'json', '--for', '20s')
    eq(bpf_programs(c.p.pid), 0, 'map has no programs of its own')
    traffic()
    code, out, err = c.end()
    got = edges(json.loads(out))
    eq((code, err), (0, ''), 'map ends well')
    name = os.path.basename(os.path.realpath(sys.executable))
    eq([(p, s, n) for (c, s, p), n in sorted(got.items()) if s in ('nginx', 'redis-server')],
       [('http', 'nginx', REQUESTS), ('redis', 'redis-server', REQUESTS)], 'its edges, each request once')
    c = Command('map', '-o', 'html', '--for', '1s')
    traffic(3)
    code, out, err = c.end(None)
    ok(code == 0 and out.startswith(b'<!') and out.rstrip().endswith(b'</html>'), 'a page comes whole', out[-200:], err)
    code, out, err = run('map', '--socket', SOCKET, '-o', 'svg')
    eq((code, b'text, dot, json or html' in err), (2, True), 'a form that is none')
    return name


def check_hostile():
    bad = [b'{"cmd":"map","form":"../x"}\n', b'{"cmd":"top","by":""}\n', b'{"cmd":"top","by":",,,,"}\n',
           b'{"cmd":"top","sort":"x"}\n', b'{"cmd":"top","pages":1}\n', b'{"cmd":"requests","explain":"yes"}\n',
           b'{"cmd":"map","where":"((((("}\n', b'{"cmd":"top","by":"' + b'a,' * 30000 + b'"}\n',
           b'{"cmd":"requests","fields":"req.id[1]"}\n']
    for b in bad:
        got = ask(b)
        ok(got.startswith(b'{"error":'), 'refused: %r' % b[:40], got[:200])
    got = json.loads(ask({'cmd': 'requests', 'raw': True}))
    ok(got.get('alone') is True and 'error' in got, 'raw texts are not the agent\'s', got)
    deaf = []
    for i in range(12):     # who asks for pages and reports and does not read
        s = socket.socket(socket.AF_UNIX)
        s.connect(SOCKET)
        s.send(json.dumps({'cmd': ('top', 'map', 'requests')[i % 3], 'pages': i % 3 == 0}).encode() + b'\n')
        deaf.append(s)
    traffic()
    c = Command('requests', 'top', '--by', 'protocol', '-o', 'json', *MINE)
    traffic()
    code, out, err = c.end()
    eq((code, sum(r['requests'] for r in objects(out))), (0, 2 * REQUESTS), 'beside twelve that do not read')
    for i, s in enumerate(deaf):
        if i % 2:
            s.shutdown(socket.SHUT_WR)
        else:
            s.close()
    ok(until(lambda: clients() == 0), 'those are gone')
    for s in deaf:
        s.close()


def check_explain():
    """An id that the stream showed is found in the history: of a server whose time goes where its route says."""
    worker = start([sys.executable, '-c', SLOW, str(SLOW_PORT), str(WEB)])
    ok(until(lambda: listens(SLOW_PORT)), 'a server with one thread')
    where = ('--where', 'fd.sport=%d' % SLOW_PORT)
    c = Command('requests', '--explain', '-o', 'json', *where)
    for path in ('/sleep', '/burn', '/ask'):
        h = http.client.HTTPConnection('127.0.0.1', SLOW_PORT)
        h.request('GET', path)
        h.getresponse().read()
        h.close()
    code, out, err = c.end()
    got = objects(out)
    eq(code, 0, '--explain by way of the agent')
    ids = [o['req.id'] for o in got]
    ok(len(got) == 6 and len(set(ids)) == 6 and all(len(i) == 12 for i in ids), 'both ends, each with an id', ids)
    served = {o['req.resource']: o for o in got if o['req.side'] == 'server'}
    for path, part, text in (('/sleep', 'sleep', 'sleep 1'), ('/burn', 'cpu', 'on CPU 1'), ('/ask', 'network', 'GET /good')):
        o = served.get(path, {})
        ok(o.get('req.time.' + part, 0) > 0 or part == 'network', '%s: its time is known' % path, o)
        code, out, err = run('requests', 'explain', o.get('req.id', ''), '--directory', HISTORY)
        text_of = out.decode()
        ok(code == 0 and ' GET ' + path in text_of and text in text_of, '%s: explained out of the history' % path, out, err)
        ok('at its other end: python3' in text_of and 'connection: round trip' in text_of,
           '%s: with its other end' % path, out)
        code, out, err = run('requests', 'explain', o.get('req.id', '').upper(), '--directory', HISTORY, '-o', 'json')
        j = json.loads(out or b'{}')
        eq((code, j.get('req.id'), j.get('req.latency_ns'), j.get('proc.pid')),
           (0, o.get('req.id'), o.get('req.latency_ns'), worker.pid), '%s: as JSON, the same request' % path)
        states = {k: v for k, v in j.get('req.explain', {}).items() if not k.startswith('call')}
        ok(states and abs(sum(states.values()) - j['req.latency_ns']) < 3e6, '%s: its parts add up' % path, j)
    code, out, err = run('requests', 'explain', served['/ask']['req.id'], '--directory', HISTORY)
    ok(b'of that in 1 call ' in out, 'the call it made', out)
    c = Command('requests', '-o', 'wide', '-n', '1', '--where', 'fd.sport=%d' % WEB)
    get('/good/1')
    code, out, err = c.end(None)
    word = out.decode().split()[-1]
    ok(len(word) == 12, '-o wide shows ids', out)
    for bad, want in ((('explain', 'x'), 2), (('explain', "0' or 1=1 --"), 2), (('explain',), 2),
                      (('explain', '0' * 12, '--directory', HISTORY), 1), (('explain', word, '--directory', '/no'), 1),
                      (('explain', word, '--slow', '1s'), 2)):
        code, out, err = run('requests', *bad)
        ok(code == want and out == b'' and err, 'refused: %s' % ' '.join(bad[:2]), code, out, err)
    worker.kill()
    return word


def check_replay():
    """A capture tells the same as it did live: ids are made of records."""
    capture = os.path.join(HERE, '../../captures/requests-redis.cap')
    first, again = (objects(run('requests', '--replay', capture, '-o', 'json')[1]) for _ in range(2))
    ids = [o['req.id'] for o in first]
    ok(ids and ids == [o['req.id'] for o in again] and len(set(ids)) == len(ids), 'ids of a capture', ids[:3])
    code, out, err = run('requests', 'explain', ids[3], '--replay', capture)
    ok(code == 0 and out.count(b'redis') >= 1 and b'unknown: ' in out, 'explain of a capture without times', out, err)
    code, out, err = run('requests', 'explain', '0' * 12, '--replay', capture)
    eq((code, out), (1, b''), 'an id that is not in it')


def check_why():
    """Beside the agent, and with what it kept: the profile's parts are of a second here."""
    worker = start([sys.executable, '-c', SLOW, str(SLOW_PORT), str(WEB)])
    until(lambda: listens(SLOW_PORT))

    def burn():
        h = http.client.HTTPConnection('127.0.0.1', SLOW_PORT)
        h.request('GET', '/burn')
        h.getresponse().read()
        h.close()
    for _ in range(20):
        burn()
    time.sleep(2.5)
    p = start([PORTHOLE, 'why', str(worker.pid), '--for', '3s', '-o', 'json', '--socket', SOCKET],
              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while p.poll() is None:
        burn()
    out, err = p.communicate()
    w = json.loads(out or b'{}')
    before = w.get('before', [])
    ok(p.returncode == 0 and sum(w.get('time', {}).values()) > 2 and w.get('findings'), 'why, while the agent runs', err, w)
    ok(any(x.startswith('CPUs it used, minute by minute') for x in before), 'the kept profile is told', before, w.get('unseen'))
    served = [x for x in before if x.startswith('requests it served')]
    ok(served and int(served[0].split(': ')[1].split(',')[0]) >= 20, 'and the requests it served', before)
    slowest = [x for x in before if x.startswith('the slowest: GET /burn')]
    word = slowest[0].split()[-1].rstrip(')') if slowest else 'x'
    code, out, err = run('requests', 'explain', word, '--directory', HISTORY)
    ok(code == 0 and b'GET /burn' in out, 'the slowest by its id', before, err)
    code, out, err = run('why', str(os.getpid()), '--for', '500ms', '--socket', SOCKET + '.not', '-o', 'json')
    eq((code, json.loads(out)['before']), (0, []), 'without an agent nothing was before')
    worker.kill()


def check_alone():
    c = Command('requests', '--raw', '-o', 'json', *MINE)
    ok(until(lambda: bpf_programs(c.p.pid) > 0), '--raw watches by itself')
    code, out, err = c.end()
    ok(code == 0 and 'this command watches by itself' in err, 'and says so', err)


agent = Agent()
if not ok(agent.up and servers(), 'the agent and the servers run', open(os.path.join(DIR, 'said')).read()):
    done()
check_requests()
check_top()
check_screen()
check_map()
check_hostile()
check_explain()
check_replay()
check_why()
check_alone()
agent.end()
done()
