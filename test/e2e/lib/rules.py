"""Rules and their alerts; see rules.sh."""
import http.server
import json
import os
import signal
import subprocess
import threading
import time

from e2e import DIR, PORTHOLE, Watch, at_end, capable, done, eq, free_port, objects, ok, run, skip, spawn, start

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../..')
FALCO = [os.path.join(ROOT, 'test/rules/falco', n)
         for n in ('falco_rules.yaml', 'falco-incubating_rules.yaml')]
MARK = 'porthole-e2e-%d' % os.getpid()

RULE = '''
- rule: %(name)s
  desc: A file of this test was opened.
  condition: >
    evt.type in (open, openat, openat2) and fd.name startswith %(dir)s/%(what)s
  output: Opened (file=%%fd.name by=%%proc.name ancestor=%%proc.aname[2] ip=%%fd.sip)
  priority: %(priority)s
  tags: [b, a]
'''


def rule(name, what, priority='WARNING'):
    return RULE % {'name': name, 'what': what, 'priority': priority, 'dir': DIR}


def put(name, text):
    path = os.path.join(DIR, name)
    with open(path + '.new', 'w') as f:
        f.write(text)
    os.rename(path + '.new', path)
    return path


def touch(name):
    path = os.path.join(DIR, name)
    open(path, 'a').close()
    spawn('cat', path)


def wait_for(what, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.05)
    return False


def said(watch):
    watch.err.flush()
    with open('/proc/self/fd/%d' % watch.err.fileno(), 'rb') as f:
        return f.read().decode('utf-8', 'replace')


def detect(*args, **kw):
    w = Watch(*args, command=('detect', '-o', 'json'), wait=False, **kw)
    if not wait_for(lambda: 'detecting' in said(w) or w.p.poll() is not None, 20):
        raise RuntimeError('detect is not ready: ' + said(w))
    return w


# --- without the kernel ---

def checking():
    status, out, err = run('rules', 'check', *FALCO)
    ok(status == 0 and out.endswith(b'ok\n'), 'the official rules load without error or warning',
       out.decode(), err.decode())
    status, out, _ = run('rules', 'check', '-o', 'json', *FALCO)
    s = json.loads(out)
    eq((s['ok'], s['rules'], s['errors'], s['warnings']), (True, 56, 0, 0), 'the same as JSON')
    status, out, _ = run('rules', 'check')
    ok(status == 0 and out.endswith(b'ok\n'), 'the shipped rules are right', out.decode())
    bad = put('bad.yaml', '- rule: Bad\n  desc: x\n  condition: evt.type=open and proc.nam=x\n'
                          '  output: x\n  priority: INFO\n')
    status, out, _ = run('rules', 'check', bad)
    text = out.decode()
    ok(status == 1 and 'bad.yaml:3:' in text and 'did you mean proc.name' in text,
       'an unknown field is an error with its place and the nearest name', text)
    lines = text.split('\n')
    ok(any(a.find('proc.nam') == b.find('^') >= 0 for a, b in zip(lines, lines[1:])),
       'the caret stands below it', text)
    status, out, _ = run('rules', 'print')
    printed = put('printed.yaml', out.decode())
    eq(run('rules', 'check', printed)[0], 0, 'what rules print shows loads as a file')
    eq(run('rules', 'nonsense')[0], 2, 'an unknown action is a wrong use')
    eq(run('rules', 'check', '/nowhere.yaml')[0], 1, 'a file that is not there is an error')


def explaining():
    status, out, err = run('rules', 'explain', 'Terminal shell in container', '-r', FALCO[0])
    text = out.decode()
    ok(status == 0 and 'container.id != host' in text and 'proc.tty != 0' in text and
       'exec' in text, 'explain shows the resolved rule and its events', text, err.decode())
    eq(run('rules', 'explain', 'No such rule', '-r', FALCO[0])[0], 1, 'an unknown rule is an error')


CASES = '''
- name: a file of the test
  event: {evt.type: openat, evt.arg.flags: O_RDONLY, fd.name: %(dir)s/a1}
  expect: [A]
- name: another
  event: {evt.type: openat, fd.name: /etc/passwd}
  expect: []
- name: refused
  event: {evt.type: openat, fd.name: %(dir)s/a1}
  reject: [B]
'''


def testing():
    rules = put('t.yaml', rule('A', 'a') + rule('B', 'b'))
    cases = put('cases.yaml', CASES % {'dir': DIR})
    status, out, _ = run('rules', 'test', cases, '-r', rules)
    ok(status == 0 and b'3 passed, 0 failed' in out, 'cases that hold', out.decode())
    wrong = put('wrong.yaml', (CASES % {'dir': DIR}).replace('[A]', '[B]'))
    status, out, _ = run('rules', 'test', wrong, '-r', rules)
    ok(status == 1 and b'did not fire: B' in out and b'not in expect: A' in out,
       'a case that does not hold says what fired', out.decode())
    status, out, _ = run('rules', 'test', put('odd.yaml', '- name: x\n  event: {no.such: 1}\n'
                                              '  expect: []\n'), '-r', rules)
    ok(status == 1 and b'odd.yaml:2' in out, 'a wrong case is named with its line', out.decode())


# --- live ---

def shape():
    rules = put('r.yaml', rule('A', 'a', 'INFO'))
    w = detect('-r', rules)
    touch('a1')
    touch('b1')
    status, out, err = w.stop()
    alerts = objects(out)
    eq((status, len(alerts)), (0, 2), 'a rule fires for its files, not for others')
    a = alerts[0]
    eq(sorted(a), ['hostname', 'output', 'output_fields', 'priority', 'rule', 'source', 'tags',
                   'time'], "the members of Falco's alerts")
    eq((a['rule'], a['priority'], a['source'], a['tags']),
       ('A', 'Informational', 'syscall', ['a', 'b']), 'their values')
    f = a['output_fields']
    ok(f['fd.name'] == DIR + '/a1' and f['fd.sip'] is None and 'proc.aname[2]' in f and
       isinstance(f['evt.time'], int) and f['container.id'] == 'host', 'output_fields', f)
    ok(': Informational Opened (file=%s/a1' % DIR in a['output'], 'the text', a['output'])
    eq(len({x['output_fields']['proc.name'] if 'proc.name' in x['output_fields'] else
            x['output'].split('by=')[1].split()[0] for x in alerts}), 2, 'both programs are named')


def expect_rules(w, names, what):
    """Opens a file that each of A and B is about, and sees which of them answers."""
    mark = len(objects(read(w)))
    touch('a1')
    touch('b1')
    wait_for(lambda: len(objects(read(w))) >= mark + 2 * len(names), 3)
    time.sleep(0.2)
    eq(sorted({a['rule'] for a in objects(read(w))[mark:]}), names, what)


def read(w):
    with open('/proc/self/fd/%d' % w.out.fileno(), 'rb') as f:
        data = f.read()
    return data[:data.rfind(b'\n') + 1]


def reload():
    folder = os.path.join(DIR, 'map')
    os.makedirs(folder + '/..one')
    with open(folder + '/..one/r.yaml', 'w') as f:
        f.write(rule('A', 'a'))
    os.symlink('..one', folder + '/..data')
    os.symlink('..data/r.yaml', folder + '/r.yaml')
    w = detect('-r', folder + '/r.yaml')
    expect_rules(w, ['A'], 'the rules at the start')
    # As the kubelet exchanges a ConfigMap.
    os.makedirs(folder + '/..two')
    with open(folder + '/..two/r.yaml', 'w') as f:
        f.write(rule('B', 'b'))
    os.symlink('..two', folder + '/..tmp')
    os.rename(folder + '/..tmp', folder + '/..data')
    ok(wait_for(lambda: 'new rules are in force: 1' in said(w)), 'a swapped link is noticed', said(w))
    expect_rules(w, ['B'], 'the new rules')
    with open(folder + '/..two/r.yaml', 'w') as f:
        f.write('- rule: [')
    ok(wait_for(lambda: 'the rules stay as they were' in said(w)), 'a wrong set is refused', said(w))
    expect_rules(w, ['B'], 'the old ones stay in force')
    with open(folder + '/..two/r.yaml', 'w') as f:
        f.write(rule('A', 'a') + rule('B', 'b'))
    ok(wait_for(lambda: 'in force: 2' in said(w)), 'a file written in place is noticed', said(w))
    expect_rules(w, ['A', 'B'], 'both rules')
    before = said(w).count('in force')
    w.p.send_signal(signal.SIGHUP)
    ok(wait_for(lambda: said(w).count('in force') > before), 'SIGHUP reads them again', said(w))
    status, _, err = w.stop()
    eq(status, 0, 'it ends well')


def no_gap():
    """Opens go on while rules are exchanged; each must be seen."""
    rules = put('gap.yaml', rule('A', 'gapped-'))
    w = detect('-r', rules)
    stop = threading.Event()
    count = [0]

    def work():
        while not stop.is_set():
            open(os.path.join(DIR, 'gapped-%d' % count[0]), 'w').close()
            count[0] += 1
            time.sleep(0.001)
    t = threading.Thread(target=work)
    t.start()
    for i in range(3):
        put('gap.yaml', rule('A', 'gapped-') + rule('Other %d' % i, 'never'))
        w.p.send_signal(signal.SIGHUP)
        time.sleep(0.4)
    stop.set()
    t.join()
    wait_for(lambda: read(w).count(b'\n') >= count[0], 5)
    alerts = objects(w.stop()[1])
    names = {a['output_fields']['fd.name'] for a in alerts}
    eq(len(names), count[0], 'no event is missed while rules are exchanged (%d)' % count[0])


def pushdown():
    """With the kernel's filters and without: the same alerts."""
    rules = put('push.yaml', rule('A', 'p1') + '''
- rule: Relative
  desc: x
  condition: evt.type in (open, openat) and evt.is_open_write=true and fd.name endswith .relative
  output: wrote %fd.name
  priority: INFO
- rule: Names
  desc: x
  condition: evt.type in (unlink, unlinkat) and proc.name in (rm, python3) and fd.name contains p1
  output: removed %fd.name
  priority: INFO
- rule: Never
  desc: x
  condition: evt.type=openat and container and fd.name startswith /
  output: x
  priority: INFO
- macro: container
  condition: container.id != host
'''.replace('- macro: container\n  condition: container.id != host\n', '').replace(
        'and container and', 'and container.id != host and'))
    both = []
    for env in ({'PORTHOLE_PUSHDOWN': '0'}, {}):
        w = detect('-r', rules, env=env)
        os.makedirs(DIR + '/sub/deep', exist_ok=True)
        work = ('cat %(d)s/p1x; cd %(d)s/sub && echo x > a.relative; echo x > ../b.relative; '
                'echo x > deep/../c.relative; cat ../p1y; cat ./deep/../../p1z; '
                'touch %(d)s/p1q && rm %(d)s/p1q; echo x > not.relativ; ls %(d)s > /dev/null; '
                'cd deep && echo x > ../../d.relative; ln -sf %(d)s/sub link && echo x > link/e.relative')
        subprocess.run(['sh', '-c', work % {'d': DIR}], stderr=subprocess.DEVNULL, check=False)
        status, out, err = w.stop(settle=0.5)
        both.append(sorted(a['rule'] + ' ' + a['output'].split(': ', 1)[1] for a in objects(out)))
        judged = int(err.decode().split(' events judged')[0].split()[-1])
        both[-1].append(None)
        both[-1].pop()
        if env:
            all_events = judged
    eq(both[1], both[0], 'the same alerts with and without filters in the kernel')
    ok(len(both[0]) >= 8, 'and there are some', both[0])
    ok(judged < all_events, 'with filters fewer events are judged', judged, all_events)


class Receiver(http.server.BaseHTTPRequestHandler):
    got, codes = [], []

    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        code = Receiver.codes.pop(0) if Receiver.codes else 200
        if code == 200:
            Receiver.got.append((self.headers.get('Content-Type'), self.headers.get('X-Key'),
                                 json.loads(body)))
        self.send_response(code)
        self.send_header('Content-Length', '0')
        self.end_headers()

    def log_message(self, *_):
        pass


def serve(port):
    server = http.server.ThreadingHTTPServer(('127.0.0.1', port), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def agent(name, **sections):
    conf = {'metrics': {'enabled': True, 'address': '127.0.0.1:%d' % free_port()},
            'control': {'socket': DIR + '/%s.sock' % name}, 'lock': {'file': DIR + '/%s.pid' % name},
            'kube': {'enabled': False}}
    conf.update(sections)
    path = put(name + '.conf.yaml', json.dumps(conf))
    w = Watch('-c', path, command=('run', '-o', 'json'), wait=False)
    if not wait_for(lambda: 'capabilities kept' in said(w) or w.p.poll() is not None, 20):
        raise RuntimeError('the agent is not ready: ' + said(w))
    time.sleep(0.3)
    w.metrics = 'http://%s/metrics' % conf['metrics']['address']
    return w


def metrics(w):
    import urllib.request
    return urllib.request.urlopen(w.metrics, timeout=5).read().decode()


def receiver_down():
    port = free_port()
    rules = put('down.yaml', rule('A', 'a') + rule('B', 'b'))
    conf = {'rules': {'files': [rules], 'scopes': ['B where proc.name = nobody']},
            'alerts': {'http_url': 'http://127.0.0.1:%d/' % port, 'spool': DIR + '/spool',
                       'http_headers': ['X-Key: secret'], 'file': DIR + '/alerts.log'}}
    w = agent('down', **conf)
    for i in range(5):
        touch('a%d' % i)
    touch('b1')
    ok(wait_for(lambda: 'porthole_alerts_pending{channel="http"} 10' in metrics(w)),
       'alerts wait while the receiver is down', metrics(w))
    ok('porthole_rule_alerts_total{rule="B",priority="Warning"} 0' in metrics(w),
       'a rule out of its scope stays silent')
    out = run('rules', 'explain', 'A', '-r', rules, '--socket', DIR + '/down.sock')[1].decode()
    ok('in the running agent' in out and '10 alerts' in out, 'explain says what it cost there', out)
    w.p.kill()      # not even a chance to say goodbye
    w.p.wait()
    Receiver.got.clear()
    server = serve(port)
    w = agent('down', **conf)
    ok(wait_for(lambda: len(Receiver.got) >= 10, 15), 'they are delivered after kill -9 and a restart',
       len(Receiver.got))
    Receiver.codes += [500, 503]
    touch('a9')
    ok(wait_for(lambda: len(Receiver.got) >= 12, 15), 'errors of the receiver are tried again')
    names = [b['output_fields']['fd.name'] for _, _, b in Receiver.got]
    eq([n for i, n in enumerate(names) if i == 0 or names[i - 1] != n],
       [DIR + '/a%d' % i for i in (0, 1, 2, 3, 4, 9)], 'in order')
    eq({(t, k) for t, k, _ in Receiver.got}, {('application/json', 'secret')}, 'with their headers')
    server.shutdown()
    server.server_close()
    with open(DIR + '/alerts.log') as f:
        eq(len(f.read().splitlines()), 12, 'the file has them all')
    status, _, err = w.stop()
    eq(status, 0, 'the agent ends well')


def folding():
    rules = put('fold.yaml', rule('A', 'a'))
    w = detect('-r', rules, '--dedup', '1s by rule, proc.name')
    for _ in range(20):
        spawn('cat', DIR + '/a1')
    alerts = objects(w.stop(settle=1.5)[1])
    cats = [a for a in alerts if 'by=cat' in a['output']]
    eq(len(cats), 2, 'equal alerts: the first, and one with the count')
    eq(cats[-1]['output_fields'].get('porthole.folded') if cats else None, 19, 'the count')
    w = detect('-r', rules, '--rate-per-rule', '5/m')
    for _ in range(20):
        spawn('cat', DIR + '/a1')
    alerts = objects(w.stop(settle=0.5)[1])
    eq(len([a for a in alerts if a['rule'] == 'A']), 5, 'a rate limits a rule')
    ok([a for a in alerts if a['source'] == 'internal'], 'and it is told', alerts[-1:])
    eq(run('detect', '-r', rules, '--dedup', 'nonsense')[0], 2, 'a wrong dedup is a wrong use')


def lookback():
    caps = DIR + '/caps'
    rules = put('look.yaml', rule('A', 'look'))
    w = detect('-r', rules, '--lookback', caps, '--window', '5s')
    spawn('sh', '-c', 'true before; cat %s/look1' % DIR)
    open(DIR + '/look1', 'w').close()
    spawn('sh', '-c', 'true before; cat %s/look1' % DIR)
    alerts = objects(w.stop()[1])
    files = sorted(os.listdir(caps))
    eq(len(files), 1, 'one capture for alerts that stand together')
    eq({a['output_fields'].get('porthole.capture') for a in alerts}, set(files),
       'the alerts name it')
    path = os.path.join(caps, files[0])
    status, out, err = run('events', '--replay', path, '-o', 'json', '--kind', 'exec')
    lines = [e.get('proc.cmdline') for e in objects(out)]
    ok('cat %s/look1' % DIR in lines, 'it has what happened before', lines, err.decode())
    status, out, _ = run('detect', '-r', rules, '-o', 'json', '--replay', path)
    again = objects(out)
    eq([a['output'].split(': ', 1)[1].split(' capture=')[0] for a in again],
       [a['output'].split(': ', 1)[1].split(' capture=')[0] for a in alerts],
       'replayed, the rules say the same')


def main():
    checking()
    explaining()
    testing()
    why = capable()
    if why:
        skip('live alerts', why)
        done()
    for part in (shape, reload, no_gap, pushdown, receiver_down, folding, lookback):
        part()
    done()


main()
