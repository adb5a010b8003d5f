"""What porthole reads of HTTP inside TLS. The servers are older than porthole; what is spoken, and by whom, is
known. Certificates are made here and nobody checks them."""
import glob
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys

import e2e
from e2e import DIR, done, eq, free_port, listens, ok, skip, until

CERT, KEY = DIR + '/cert.pem', DIR + '/key.pem'
NGINX = '''daemon off; master_process off; pid %(dir)s/nginx.pid; error_log %(dir)s/error.log; worker_processes 1;
events {}
http {
	access_log off;
	client_body_temp_path %(dir)s/b; proxy_temp_path %(dir)s/p; fastcgi_temp_path %(dir)s/f;
	uwsgi_temp_path %(dir)s/u; scgi_temp_path %(dir)s/s;
	server {
		listen 127.0.0.1:%(port)d ssl;
		ssl_certificate cert.pem; ssl_certificate_key key.pem;
		location / { return 200 "hello\\n"; }
		location /missing { return 404 "no\\n"; }
		location /upload { client_max_body_size 1m; return 201 "got it\\n"; }
	}
}
'''
PYTHON = '''
import http.client, ssl, sys
c = http.client.HTTPSConnection("127.0.0.1", int(sys.argv[1]), context=ssl._create_unverified_context())
for path in sys.argv[2:]:
    c.request("GET", path)
    c.getresponse().read()
'''
NODE = '''
const https = require("https"), fs = require("fs");
https.createServer({key: fs.readFileSync(process.argv[2]), cert: fs.readFileSync(process.argv[1])},
    (q, r) => { r.end("node\\n"); }).listen(+process.argv[3], "127.0.0.1");
'''


def curl(port, *args):
    return subprocess.run(['curl', '-sk', '--noproxy', '*', '--http1.1', '-m', '10', *args],
                          stdout=subprocess.PIPE, check=True).stdout


def url(port, path):
    return 'https://127.0.0.1:%d%s' % (port, path)


def nginx_start():
    port = free_port()
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', KEY, '-out', CERT,
                    '-days', '2', '-subj', '/CN=localhost'], check=True, stderr=subprocess.DEVNULL)
    os.chmod(DIR, 0o755)
    with open(DIR + '/nginx.conf', 'w') as f:
        f.write(NGINX % {'dir': DIR, 'port': port})
    e2e.start(['nginx', '-p', DIR, '-c', 'nginx.conf'], stderr=subprocess.DEVNULL)
    until(lambda: listens(port))
    return port


def node_start():
    if not shutil.which('node'):
        return 0
    port = free_port()
    e2e.start(['node', '-e', NODE, CERT, KEY, str(port)])
    until(lambda: listens(port))
    return port


def python_client(port, *paths, env=None):
    subprocess.run([sys.executable, '-c', PYTHON, str(port), *paths], check=True,
                   env=dict(os.environ, **(env or {})))


def library_elsewhere():
    """A copy of the library that no process has mapped yet, and the environment to use it; None: not found."""
    paths = [line.split()[-1] for line in open('/proc/self/maps') if '/libssl' in line]
    if not paths:
        return None
    folder = DIR + '/elsewhere'
    os.mkdir(folder)
    shutil.copy(paths[0], folder)
    return {'LD_LIBRARY_PATH': folder}


def tell(events, port, side, path):
    """The requests of one end for @path: [(program, method, code, tls)]."""
    return [(e['proc.name'], e['req.method'], e['req.code'], e['req.tls']) for e in events
            if e['req.resource'] == path and e['req.side'] == side and
            e['fd.lport' if side == 'server' else 'fd.rport'] == port]


def both(events, port, server, client, path, method='GET', code=200):
    eq(tell(events, port, 'server', path), [(server, method, code, True)], '%s is asked %s' % (server, path))
    eq(tell(events, port, 'client', path), [(client, method, code, True)], '%s asks %s' % (client, path))


def once_more(port, client):
    """A library that porthole meets now: what comes a moment after its first process."""
    code = PYTHON.replace('for path', 'import time\ntime.sleep(2)\nfor path')
    p = e2e.start([sys.executable, '-c', code, str(port), '/elsewhere'], env=dict(os.environ, **client))
    p.wait(20)


def main():
    why = e2e.capable()
    if not why and os.uname().machine != 'x86_64':
        why = 'needs x86-64'
    if why:
        print('1..0 # SKIP ' + why)
        sys.exit(0)
    port = nginx_start()
    node = node_start()
    git = glob.glob('/usr/lib/git-core/git-remote-https')
    old = ssl._create_unverified_context().wrap_socket(socket.create_connection(('127.0.0.1', port)))
    old.sendall(b'GET /before HTTP/1.1\r\nHost: x\r\n\r\n')
    old.recv(4096)
    w = e2e.Watch('-o', 'json', command=('requests',))
    curl(port, url(port, '/one'), url(port, '/two'))
    curl(port, url(port, '/missing'))
    curl(port, '-d', 'x' * 100000, url(port, '/upload'))
    python_client(port, '/py1', '/py2')
    old.sendall(b'GET /after HTTP/1.1\r\nHost: x\r\n\r\n')
    old.recv(4096)
    if node:
        curl(node, url(node, '/node'), url(node, '/again'))
    if git:
        subprocess.run(['git', 'ls-remote', url(port, '/repository')], stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, env=dict(os.environ, GIT_SSL_NO_VERIFY='1'))
    elsewhere = library_elsewhere()
    if elsewhere:
        once_more(port, elsewhere)
    events = w.events(settle=1)
    eq((w.status, w.said), (0, ''), 'it ends cleanly, and nothing is said of losses')
    for path in ('/one', '/two'):
        both(events, port, 'nginx', 'curl', path)
    both(events, port, 'nginx', 'curl', '/missing', code=404)
    both(events, port, 'nginx', 'curl', '/upload', 'POST', 201)
    python = os.path.basename(os.path.realpath(sys.executable))[:15]
    name = next((e['proc.name'] for e in events if e['req.resource'] == '/py1' and
                 e['req.side'] == 'client'), python)
    ok(name.startswith('python'), 'Python asks', name)
    for path in ('/py1', '/py2'):
        both(events, port, 'nginx', name, path)
    eq(tell(events, port, 'server', '/before'), [], 'what was before is not told')
    eq(len(tell(events, port, 'server', '/after')), 1, 'a connection older than porthole: the server')
    eq(len(tell(events, port, 'client', '/after')), 1, 'a connection older than porthole: the client')
    if node:
        for path in ('/node', '/again'):
            both(events, node, 'node', 'curl', path)
    else:
        skip('a program with OpenSSL inside', 'no node here')
    if git:
        path = '/repository/info/refs'
        found = [e for e in events if e['req.resource'].startswith(path)]
        eq(sorted(e['req.side'] for e in found if e['req.tls']), ['client', 'server'], 'git, with GnuTLS')
    else:
        skip('git, with GnuTLS', 'no git here')
    if elsewhere:
        both(events, port, 'nginx', name, '/elsewhere')
    else:
        skip('a library that comes later', 'Python has OpenSSL inside')
    bad = [e for e in events if e['fd.lport'] in (port, node) or e['fd.rport'] in (port, node)]
    eq([json.dumps(e) for e in bad if e['req.unanswered'] or not e['req.tls']], [],
       'all have answers, none is taken for plain')


main()
done()
