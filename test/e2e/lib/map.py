"""porthole map: a chain of real servers must come out as it is, each request counted once."""
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import xml.etree.ElementTree as ET

from e2e import DIR, Watch, capable, done, eq, free_port, ok, run, skip, start

CAPTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../captures')
REQUESTS = 40

SERVER = r'''
import http.server, socket, socketserver, sys
web, redis, raw = map(int, sys.argv[1:])
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with socket.create_connection(('127.0.0.1', redis)) as s:
            s.sendall(b'*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n')
            s.recv(100)
        bad = self.path == '/bad'
        self.send_response(500 if bad else 200)
        self.send_header('Content-Length', '5')
        self.end_headers()
        self.wfile.write(b'hello')
    def log_message(self, *a):
        pass
class R(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.recv(65536)
        self.request.sendall(b'\x00\x07\x01\xff' * 100)
import threading
raw = socketserver.ThreadingTCPServer(('127.0.0.1', raw), R)
threading.Thread(target=raw.serve_forever, daemon=True).start()
http.server.ThreadingHTTPServer(('127.0.0.1', web), H).serve_forever()
'''

DNS = r'''
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('127.0.0.78', int(sys.argv[1])))
while True:
    q, who = s.recvfrom(512)
    s.sendto(q[:2] + b'\x81\x80\0\1\0\1\0\0\0\0' + q[12:] + b'\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\x4d', who)
'''

CLIENT = r'''
import socket, sys, urllib.request, urllib.error
nginx, raw, dns, closed, n = map(int, sys.argv[1:])
q = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
q.connect(('127.0.0.78', dns))
q.send(b'\x12\x34\1\0\0\1\0\0\0\0\0\0\7backend\4test\0\0\1\0\1')
q.recv(512)
try:
    socket.create_connection(('127.0.0.77', closed))
except ConnectionRefusedError:
    pass
for i in range(n):
    try:
        urllib.request.urlopen('http://127.0.0.1:%d/%s' % (nginx, 'bad' if i % 4 == 0 else 'good'), timeout=5).read()
    except urllib.error.HTTPError:
        pass
s = socket.create_connection(('127.0.0.1', raw))
s.sendall(b'\xfe\xed' * 50)
while s.recv(65536):
    pass
'''

NGINX = '''
daemon off; master_process off; error_log %(dir)s/nginx.err; pid %(dir)s/nginx.pid;
events { }
http {
  access_log off; client_body_temp_path %(dir)s/t1; proxy_temp_path %(dir)s/t2; fastcgi_temp_path %(dir)s/t3;
  uwsgi_temp_path %(dir)s/t4; scgi_temp_path %(dir)s/t5;
  server { listen 127.0.0.1:%(port)d; location / { proxy_pass http://127.0.0.1:%(web)d; } }
}
'''


def python(name, text, *args):
    """A Python program whose process is called @name."""
    link = os.path.join(DIR, name)
    if not os.path.exists(link):
        os.symlink(os.path.realpath(sys.executable), link)
    return start([link, '-c', text, *map(str, args)])


def answers(port, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            socket.create_connection(('127.0.0.1', port)).close()
            return True
        except OSError:
            time.sleep(0.05)
    return False


def edges_of(m):
    def name(i):
        return m['nodes'][i]['name']
    return {(name(e['client']), name(e['server']), e['protocol']): e for e in m['edges']}


def servers():
    """Starts the chain. -> its ports, or None"""
    ports = {x: free_port() for x in ('nginx', 'web', 'redis', 'raw', 'closed')}
    ports['dns'] = 53     # of an address of its own: only there is a datagram read as DNS
    conf = os.path.join(DIR, 'nginx.conf')
    with open(conf, 'w') as f:
        f.write(NGINX % {'dir': DIR, 'port': ports['nginx'], 'web': ports['web']})
    os.chmod(DIR, 0o755)
    start(['redis-server', '--port', str(ports['redis']), '--bind', '127.0.0.1', '--save', '', '--dir', DIR],
          stdout=subprocess.DEVNULL)
    python('mapserver', SERVER, ports['web'], ports['redis'], ports['raw'])
    python('mapdns', DNS, ports['dns'])
    start(['nginx', '-c', conf], stderr=subprocess.DEVNULL)
    up = [answers(ports[x]) for x in ('redis', 'web', 'raw', 'nginx')]
    return ports if all(up) else None


def client(ports):
    python('mapclient', CLIENT, ports['nginx'], ports['raw'], ports['dns'], ports['closed'], REQUESTS).wait(60)


def live(ports):
    w = Watch('-o', 'json', command=('map',))
    client(ports)
    status, out, err = w.stop(settle=0.5)
    m = json.loads(out)
    edges = edges_of(m)
    eq((status, err), (0, b''), 'nothing lost')
    for key in (('mapclient', 'nginx', 'http'), ('nginx', 'mapserver', 'http'), ('mapserver', 'redis-server', 'redis')):
        e = edges.get(key, {})
        eq((e.get('requests'), e.get('seen_at_both_ends')), (REQUESTS, REQUESTS), '%s -> %s: each %s request once' % key)
        bad = 0 if key[2] == 'redis' else REQUESTS // 4
        eq((e.get('failed'), e.get('unanswered')), (bad, 0), '%s -> %s: %s failures' % key)
        c, s = e.get('client_ns', {}), e.get('server_ns', {})
        ok(c and s and 0 < s['p50'] <= c['p99'] and c['p50'] <= c['p99'] <= c['max'] and e['p50_ns'] == c['p50'],
           '%s -> %s: latency of both ends' % key[:2], e)
        ok(e.get('opened') == e.get('closed') == REQUESTS, '%s -> %s: connections' % key[:2], e)
    e = edges.get(('mapclient', 'mapserver', 'tcp'), {})
    eq([e.get(x) for x in ('requests', 'opened', 'closed', 'sent_bytes', 'received_bytes')], [0, 1, 1, 100, 400],
       'a connection that nobody can read: an edge with its bytes')
    e = edges.get(('mapclient', 'mapdns', 'dns'), {})
    eq(e.get('requests'), 1, 'the DNS server')
    e = edges.get(('mapclient', 'backend.test', 'tcp'), {})
    eq((e.get('refused'), e.get('opened')), (1, 0), 'an end known by its name from DNS; refused')
    kinds = {n['name']: n['kind'] for n in m['nodes']}
    eq([kinds.get(x) for x in ('mapclient', 'backend.test')], ['process', 'name'], 'kinds of nodes')


def selected(ports):
    w = Watch('-o', 'json', '--where', 'req.protocol=redis', command=('map',))
    client(ports)
    status, out, err = w.stop(settle=0.5)
    if not ok(status == 0 and out, '--where is taken', status, err.decode()):
        return
    edges = edges_of(json.loads(out))
    mine = {k: e['requests'] for k, e in edges.items() if 'mapserver' in k}
    eq(mine, {('mapserver', 'redis-server', 'redis'): REQUESTS}, '--where counts what it says, with both names')
    eq({k[2] for k in edges}, {'redis'}, 'and nothing else')


def drawn(dot):
    """-> (texts in the picture that Graphviz makes, what it complains of)"""
    p = subprocess.run(['dot', '-Tsvg'], input=dot, capture_output=True)
    return [''.join(t.itertext()) for t in ET.fromstring(p.stdout).iter('{http://www.w3.org/2000/svg}text')], p.stderr


def forms():
    text = run('map', '--replay', CAPTURES + '/requests-redis.cap')[1].decode()
    ok('python3 (process)' in text and '-> redis-server:16399' in text, 'text', text)
    dot = run('map', '--replay', CAPTURES + '/requests-redis.cap', '-o', 'dot')[1]
    if shutil.which('dot'):
        texts, said = drawn(dot)
        ok('redis-server' in texts and not said, 'Graphviz takes it', said, texts)
    else:
        skip('Graphviz takes it', 'no graphviz')
    status, _, err = run('map', '-o', 'xml')
    ok(status == 2 and b'text, dot, json or html' in err, 'an unknown form', err)


def hostile():
    """Programs whose names are quotes, backslashes, line ends and HTML: Graphviz draws them as they are printed."""
    names = 'sv"\\\n<i>&lt;\\', 'cl"; }\\n]-->&'
    port = free_port()
    python(names[0], 'import http.server as h\nclass H(h.BaseHTTPRequestHandler):\n def do_GET(s): s.wfile.write(b"HTTP/1.0 204 No\\r\\n\\r\\n")\n'
           'h.HTTPServer(("127.0.0.1", %d), H).serve_forever()' % port)
    answers(port)
    w = Watch('-w', DIR + '/hostile.cap', '--kind', 'request', '--where', 'fd.sport=%d' % port, command=('record',))
    python(names[1], 'import time, urllib.request as u\nfor i in range(12):\n u.urlopen("http://127.0.0.1:%d/")\n time.sleep(.4)' % port).wait(30)
    w.stop(settle=1)
    dot, m = [run('map', '--replay', DIR + '/hostile.cap', '-o', form)[1] for form in ('dot', 'json')]
    seen = {n['name'] for n in json.loads(m)['nodes']}
    printed = {n.replace('\\', '\\\\').replace('\n', '\\n') for n in names}
    ok(printed <= seen or set(names) <= seen, 'hostile names are nodes', seen)
    if not shutil.which('dot'):
        skip('hostile names are drawn', 'no graphviz (package graphviz)')
        return
    texts, said = drawn(dot)
    ok(printed <= set(texts) and not said, 'hostile names are drawn as they are', said, texts, dot.decode())


def packets():
    """Files of packets: as many requests as porthole requests finds in each."""
    for folder in sorted(os.listdir(CAPTURES + '/l7')):
        if not os.path.isdir(CAPTURES + '/l7/' + folder):
            continue
        for name in sorted(os.listdir(CAPTURES + '/l7/' + folder)):
            path = '%s/l7/%s/%s' % (CAPTURES, folder, name)
            if not name.endswith('.pcap'):
                continue
            want = run('requests', '-o', 'json', '--replay', path)[1].count(b'\n')
            m = json.loads(run('map', '-o', 'json', '--replay', path)[1])
            eq(sum(e['requests'] for e in m['edges']), want, '%s/%s: every request' % (folder, name))


forms()
packets()
why = capable() or next(('no ' + x for x in ('nginx', 'redis-server') if not shutil.which(x)), None)
if why:
    skip('the chain, live', why)
else:
    chain = servers()
    if ok(chain, 'the servers are there'):
        live(chain)
        selected(chain)
    hostile()
done()
