"""What porthole reads of HTTP inside crypto/tls, against what the Go programs themselves say they served and asked."""
import collections
import os
import subprocess
import sys
import time

import e2e
from e2e import DIR, done, eq, free_port, listens, ok, until

HERE = os.path.dirname(os.path.abspath(__file__))
CERT, KEY = DIR + '/cert.pem', DIR + '/key.pem'
PROTO = {'HTTP/1.1': 'http', 'HTTP/2.0': 'http2'}
WORKERS, EACH = 4, 25


def build(name, *flags):
    """-> the program, or None."""
    path = DIR + '/' + name
    cache = os.path.join(os.path.dirname(os.path.abspath(e2e.PORTHOLE)), 'gocache')
    env = dict(os.environ, GOCACHE=cache, GOFLAGS='', GO111MODULE='off', CGO_ENABLED='0', GOTOOLCHAIN='local',
               HOME=DIR)
    p = subprocess.run(['go', 'build', *flags, '-o', path, HERE + '/../gotls_tool.go'], env=env,
                       stderr=subprocess.PIPE)
    return path if ok(p.returncode == 0, 'go build of ' + name, p.stderr.decode()) else None


def served(log):
    """The lines of a Go program: {(method, path): (protocol, code)}."""
    r = {}
    for line in open(log):
        method, path, proto, code, _, _ = line.split()
        r[method, path] = (PROTO[proto], int(code))
    return r


def tell(events, port, side):
    """The requests of one end: {(method, path): [(protocol, code)]}."""
    r = collections.defaultdict(list)
    for e in events:
        if e['req.side'] == side and e['fd.lport' if side == 'server' else 'fd.rport'] == port and e['req.tls']:
            r[e['req.method'], e['req.resource']].append((e['req.protocol'], e.get('req.code')))
    return r


def same(got, want, name):
    missing = {k: v for k, v in want.items() if not got.get(k)}
    wrong = {k: (got[k], v) for k, v in want.items() if got.get(k) and got[k] != [v]}
    more = {k: v for k, v in got.items() if k not in want}
    ok(want and not missing and not wrong and not more, '%s: %d requests, each once' % (name, len(want)),
       'missing %d: %r' % (len(missing), sorted(missing)[:5]), 'wrong: %r' % list(wrong.items())[:3],
       'more: %r' % list(more.items())[:5])


def run_to(log, *argv):
    with open(log, 'a') as f:
        return subprocess.run(argv, stdout=f, timeout=60).returncode


def meet(w, ask):
    """Asks until porthole tells both ends: it has begun, and has met both programs."""
    for _ in range(60):
        ask()
        time.sleep(0.4)
        told = e2e.objects(os.pread(w.out.fileno(), 1 << 22, 0).rpartition(b'\n')[0])
        if {e['req.side'] for e in told if e['req.tls'] and e.get('req.code')} >= {'client', 'server'}:
            return


def one(server, client, name):
    """Server and client of two builds; one porthole."""
    port, log, asked = free_port(), DIR + '/served-' + name, DIR + '/asked-' + name
    base = 'https://127.0.0.1:%d' % port
    with open(log, 'a') as f:
        s = e2e.start([server, 'server', str(port), CERT, KEY], stdout=f, env=dict(os.environ, GOMAXPROCS='4'))
    until(lambda: listens(port))
    w = e2e.Watch('-o', 'json', '--where', 'fd.lport=%d or fd.rport=%d' % (port, port), command=('requests',))
    meet(w, lambda: run_to(asked + '-first', client, 'client', base, 'first', '4', '4'))
    open(log, 'w').close()
    eq(run_to(asked, client, 'client', base, 'h1', str(WORKERS), str(EACH)), 0, name + ': HTTP/1.1')
    eq(run_to(asked, client, 'client', base, 'h2', str(WORKERS), str(EACH)), 0, name + ': HTTP/2')
    eq(run_to(asked, client, 'client', base, 'h2big', '1', '10'), 0, name + ': HTTP/2, large bodies')
    eq(run_to(asked, client, 'stack', '127.0.0.1:%d' % port, '/stack', '20'), 0, name + ': into the stack')
    all_events = w.events(settle=1)
    events = [e for e in all_events if not e['req.resource'].endswith('/first')]
    s.kill()
    s.wait()
    eq((w.status, [x for x in w.said.split('\n') if x and 'no socket is known' not in x]), (0, []),
       name + ': it ends cleanly, and nothing is said of losses')
    same(tell(events, port, 'server'), served(log), name + ', server')
    same(tell(events, port, 'client'), served(asked), name + ', client')
    eq(sum(bool(e['req.unanswered']) for e in events), 0, name + ': all have answers')
    for what, of in ('/bytes/', 'req.response_bytes'), ('/post/', 'req.request_bytes'):
        sized = [(e['req.resource'], e[of]) for e in events if e['req.resource'].startswith(what)]
        eq([x for x in sized if x[1] < int(x[0].split('/')[2])], [], '%s: sizes of %s' % (name, what))
    early = [e for e in all_events if e['req.resource'].endswith('/first') and not e['req.unanswered']]
    eq([(e['req.resource'], e['req.code']) for e in early
        if e['req.code'] != (404 if '/404/' in e['req.resource'] else 200)], [],
       name + ': of connections that were met midway, what is told is right')


def main():
    why = e2e.capable()
    if not why and os.uname().machine != 'x86_64':
        why = 'needs x86-64'
    if why:
        print('1..0 # SKIP ' + why)
        sys.exit(0)
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', KEY, '-out', CERT,
                    '-days', '2', '-subj', '/CN=localhost'], check=True, stderr=subprocess.DEVNULL)
    whole = build('whole')
    stripped = build('stripped', '-ldflags', '-s -w')
    if whole and stripped:
        one(whole, stripped, 'whole to stripped')
        one(stripped, whole, 'stripped to whole')


main()
done()
