"""The agent and those who use it: one a node, clients that help and clients that harm, its ends."""
import ctypes
import json
import os
import platform
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request

from e2e import DIR, PORTHOLE, capable, done, eq, objects, ok, run, skip, spawn, start, until

why = capable()
if why:
    print('1..0 # SKIP ' + why)
    sys.exit(0)

SOCKET, LOCK, CONFIG = (os.path.join(DIR, x) for x in ('run/s', 'run/pid', 'config.yaml'))
with socket.socket() as s:
    s.bind(('127.0.0.1', 0))
    PORT = s.getsockname()[1]
URL = 'http://127.0.0.1:%d' % PORT
with open(CONFIG, 'w') as f:
    f.write('metrics: {address: "127.0.0.1:%d"}\ncontrol: {socket: "%s"}\nlock: {file: "%s"}\n'
            'kube: {enabled: false}\nprofile: {directory: "%s"}\nstore: {directory: "%s"}\n'
            % (PORT, SOCKET, LOCK, os.path.join(DIR, 'profiles'), os.path.join(DIR, 'history')))
KEPT = sum(1 << n for n in (2, 12, 19, 38, 39))  # dac_read_search, net_admin, sys_ptrace, perfmon, bpf


def get(path):
    try:
        with urllib.request.urlopen(URL + path, timeout=5) as r:
            return r.status, r.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()
    except OSError as e:
        return 0, str(e)


class Agent:
    def __init__(self, *prefix):
        self.said = open(os.path.join(DIR, 'said'), 'w+')
        self.out = open(os.path.join(DIR, 'out'), 'w+')
        self.p = start([*prefix, PORTHOLE, 'run', '--config', CONFIG], stdout=self.out, stderr=self.said)
        self.up = until(lambda: self.p.poll() is not None or get('/healthz')[0] == 200) and \
            self.p.poll() is None

    def end(self, sig):
        """-> (status, seconds it took)"""
        began = time.monotonic()
        self.p.send_signal(sig)
        self.p.wait(20)
        return self.p.returncode, time.monotonic() - began

    def texts(self):
        self.said.seek(0)
        self.out.seek(0)
        return self.said.read(), self.out.read()


def connect(request=None):
    c = socket.socket(socket.AF_UNIX)
    c.settimeout(5)
    c.connect(SOCKET)
    if request is not None:
        c.send(request if isinstance(request, bytes) else json.dumps(request).encode() + b'\n')
    return c


def answer(c):
    data = b''
    try:
        while True:
            piece = c.recv(65536)
            if not piece:
                break
            data += piece
    except OSError as e:
        data += repr(e).encode()
    c.close()
    return data


def status():
    return json.loads(answer(connect({'cmd': 'status'})))


def attached(*args, work=lambda: None, **kw):
    """porthole events through the agent while work runs -> (status, output, standard error)"""
    p = start([PORTHOLE, 'events', '--socket', SOCKET, *args], stdout=subprocess.PIPE,
              stderr=subprocess.PIPE, **kw)
    before = status()['clients']
    until(lambda: status()['clients'] > 0 or p.poll() is not None)
    work()
    out, err = p.communicate(timeout=30)
    return p.returncode, out, err.decode(), before


def bpf_exists(kind, number):
    """Is there a program, map or link of that id? By BPF_*_GET_FD_BY_ID."""
    libc = ctypes.CDLL(None, use_errno=True)
    attr = ctypes.create_string_buffer(number.to_bytes(4, sys.byteorder), 120)
    call = {'x86_64': 321, 'aarch64': 280}[platform.machine()]
    fd = libc.syscall(call, {'prog': 13, 'map': 14, 'link': 30}[kind], attr, 12)
    if fd >= 0:
        os.close(fd)
    return fd >= 0


def bpf_of(pid):
    """What a process holds: {('prog', 5), ...}"""
    held = set()
    for fd in os.listdir('/proc/%d/fdinfo' % pid):
        try:
            with open('/proc/%d/fdinfo/%s' % (pid, fd)) as f:
                lines = dict(line.split(':\t', 1) for line in f if ':\t' in line)
        except OSError:
            continue
        for kind in ('prog', 'map', 'link'):
            if kind + '_id' in lines:
                held.add((kind, int(lines[kind + '_id'])))
    return held


def mounts():
    with open('/proc/self/mountinfo') as f:
        return f.read()


def one_a_node():
    st = os.stat(SOCKET)
    eq((stat.S_ISSOCK(st.st_mode), oct(st.st_mode & 0o7777)), (True, '0o600'), 'the control socket is 0600')
    eq(oct(os.stat(os.path.dirname(SOCKET)).st_mode & 0o7777), '0o700', 'in a folder of 0700')
    code, out, err = run('run', '--config', CONFIG)
    eq(code, 1, 'a second agent is refused')
    ok(b'pid %d ' % agent.p.pid in err and err.count(b'\n') == 1, 'in one line that names the first', err)
    ok(get('/healthz')[0] == 200, 'and the first goes on')
    with open('/proc/%d/status' % agent.p.pid) as f:
        lines = dict(line.rstrip('\n').split(':\t', 1) for line in f if ':\t' in line)
    for name in ('CapPrm', 'CapEff', 'CapBnd'):
        eq(int(lines[name], 16) & ~KEPT, 0, '%s is what it still needs' % name)
    eq(lines['NoNewPrivs'], '1', 'no_new_privs is set')


def pages():
    code, text = get('/metrics')
    eq(code, 200, '/metrics')
    for want in ('porthole_build_info{version="', 'porthole_events_total{kind="exec"} ',
                 'porthole_events_lost_total{kind="open",reason="ring_full"} ',
                 'porthole_probe_state{probe="process",state="on"} 1', 'porthole_cpu_seconds_total ',
                 'porthole_resident_memory_bytes '):
        ok(want in text, 'metrics have ' + want.strip(), text)
    if shutil.which('promtool'):
        p = subprocess.run(['promtool', 'check', 'metrics'], input=text.encode(), stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT)
        eq((p.returncode, p.stdout), (0, b''), 'promtool has nothing to say')
    else:
        skip('promtool has nothing to say', 'promtool is not installed')
    eq(get('/nowhere')[0], 404, 'another page is 404')
    before = int([x for x in text.split('\n') if x.startswith('porthole_events_total{kind="exec"}')][0]
                 .split()[1])
    for i in range(5):
        spawn('/bin/true')
    time.sleep(0.3)
    after = [x for x in get('/metrics')[1].split('\n') if x.startswith('porthole_events_total{kind="exec"}')]
    ok(int(after[0].split()[1]) >= before + 5, 'five programs more are counted', before, after)


def state():
    s = status()
    eq(s['pid'], agent.p.pid, 'status: pid')
    ok({'version', 'uptime_ns', 'cpu_ns', 'rss_bytes', 'probes', 'kinds', 'losses'} <= set(s),
       'status has what it promises', s.keys())
    eq([p['state'] for p in s['probes'] if p['name'] == 'process'], ['on'], 'status: the process probe is on')


def clients():
    def work():
        for i in range(3):
            spawn('/bin/true', 'mark-%d' % i)

    mine = ['--kind', 'exec', '--where', 'proc.cmdline contains mark-', '-o', 'json']
    code, out, err, before = attached(*mine, '--for', '700ms', work=work)
    eq((code, err, before), (0, '', 0), 'events through the agent, for a time')
    eq([e['proc.cmdline'] for e in objects(out)], ['true mark-%d' % i for i in range(3)],
       'what happened before the end is all there')
    code, out, err, _ = attached(*mine, '-n', '2', work=work)
    eq((code, err, len(objects(out))), (0, '', 2), '-n ends it')
    code, out, err, _ = attached('--kind', 'exec', '--format', '%proc.name|%proc.args', '--where',
                                 'proc.args=mark-0', '-n', '1', work=work)
    eq((code, out), (0, b'true|mark-0\n'), '--format')
    p = start([PORTHOLE, 'events', '--socket', SOCKET, *mine], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until(lambda: status()['clients'] == 1)
    work()
    p.send_signal(signal.SIGINT)
    out, err = p.communicate(timeout=10)
    eq((p.returncode, err, len(objects(out))), (0, b'', 3), 'SIGINT ends it, with all that came before')
    code, out, err = run('events', '--socket', SOCKET, '--where', 'proc.nmae=x')
    eq(code, 2, 'a wrong expression is a usage error here too')
    ok(b'proc.name' in err, 'with the nearest name', err)
    code, out, err, _ = attached('--kind', 'tcp', '--for', '600ms', '-o', 'json', work=lambda: get('/healthz'))
    ok(code == 0 and [e for e in objects(out) if e['evt.kind'] == 'tcp'],
       'a probe that was off is loaded for a client', code, out, err)
    code, out, err = run('events', '--socket', SOCKET + '.not', '--kind', 'exec', '--for', '100ms')
    eq(code, 0, 'without an agent, events works alone')
    eq(until(lambda: status()['clients'] == 0), True, 'all clients are gone')


def several():
    """Filters of one must not show to another."""
    kinds = ('--kind', 'exec', '-o', 'json', '--for', '900ms')
    all_of = [start([PORTHOLE, 'events', '--socket', SOCKET, *kinds, '--where', where], stdout=subprocess.PIPE)
              for where in ('proc.args=one', 'proc.args=two', 'proc.args startswith t')]
    until(lambda: status()['clients'] == 3)
    for name in ('one', 'two', 'three'):
        spawn('/bin/true', name)
    got = [sorted(e['proc.cmdline'].split()[1] for e in objects(p.communicate(timeout=20)[0])) for p in all_of]
    eq(got, [['one'], ['two'], ['three', 'two']], 'three clients get each their own')


def hostile():
    bad = [b'\n', b'{}\n', b'[' * 50000 + b'\n', b'\xff\xfe\0\n', b'{"cmd":"dance"}\n', b'GET / HTTP/1.1\r\n\r\n',
           b'{"cmd":"events","pid":-1}\n', b'{"cmd":"events","where":"((((("}\n', b'{"cmd":"status","x":1}\n']
    eq([b for b in bad if not answer(connect(b)).startswith(b'{"error":"')], [], 'wrong requests are refused')
    c = connect()
    try:
        for i in range(200):
            c.send(b'x' * 65536)
    except OSError:
        pass
    answer(c)
    crowd = [connect() for i in range(30)]
    ok(b'too many clients' in answer(crowd.pop()), 'at most so many clients')
    deaf = crowd[:0]
    for c in crowd:
        c.close()
    until(lambda: answer(connect({'cmd': 'status'})).startswith(b'{"version"'))
    for i in range(3):
        deaf.append(connect({'cmd': 'events', 'kinds': 'open', 'json': True}))
    until(lambda: status()['clients'] == 3)
    end = time.monotonic() + 20
    while status()['clients_lost'] == 0 and time.monotonic() < end:
        for i in range(3000):
            os.close(os.open('/etc/hostname', os.O_RDONLY))
    s = status()
    ok(s['clients_lost'] > 0, 'who does not read loses lines, and they are counted', s['clients_lost'])
    ok(s['rss_bytes'] < 96 << 20, 'and costs bounded memory', s['rss_bytes'])
    deaf[0].shutdown(socket.SHUT_WR)
    last = answer(deaf[0]).rsplit(b'\n', 2)[-2]
    ok(last.startswith(b'\x1e{"end":"stopped",') and b'this client' in last, 'it is told at the end', last)
    for c in deaf[1:]:
        c.close()
    for bad in (b'\x16\x03\x01', b'GET /' + b'a' * 200000, b'GET /metrics HTTP/1.1\r\nX: ' + b'b' * 200000):
        with socket.create_connection(('127.0.0.1', PORT), timeout=5) as c:
            try:
                c.send(bad)
            except OSError:
                pass
    eq(get('/healthz'), (200, 'ok\n'), 'after all this it is well')


def told_the_end():
    p = start([PORTHOLE, 'events', '--socket', SOCKET, '--kind', 'exec', '-o', 'json'], stdout=subprocess.PIPE,
              stderr=subprocess.PIPE)
    until(lambda: status()['clients'] == 1)
    spawn('/bin/true', 'mark-last')
    time.sleep(0.1)
    held = bpf_of(agent.p.pid)
    code, seconds = agent.end(signal.SIGTERM)
    eq(code, 0, 'SIGTERM ends the agent')
    ok(seconds < 1, 'within a second', '%.3f s' % seconds)
    out, err = p.communicate(timeout=10)
    ok([e for e in objects(out) if e.get('proc.cmdline') == 'true mark-last'], 'its client has all', out[-300:])
    ok(p.returncode == 1 and b'the agent has ended' in err, 'and says why it ends', p.returncode, err)
    said, printed = agent.texts()
    ok('seen in ' in printed and 'lost ' in printed and 'own cost: ' in printed, 'the agent prints totals', printed[-400:])
    ok(not os.path.exists(SOCKET), 'the socket is gone')
    gone(held, 'SIGTERM')


def gone(held, how):
    ok(len(held) > 10, 'it held programs, maps and links', len(held))
    left = until(lambda: not [x for x in held if bpf_exists(*x)], 5) or [x for x in held if bpf_exists(*x)]
    eq(left, True, 'after %s none of its programs, maps and links is left' % how)


def killed():
    second = Agent()
    ok(second.up, 'an agent starts where another ended', *second.texts())
    held = bpf_of(second.p.pid)
    second.end(signal.SIGKILL)
    gone(held, 'kill -9')
    eq(mounts(), mounted, 'no mount either')
    third = Agent()
    ok(third.up, 'after kill -9 an agent starts as if nothing were', *third.texts())
    eq(third.end(signal.SIGINT)[0], 0, 'SIGINT ends it')


def few_privileges():
    if not shutil.which('setpriv'):
        skip('with five capabilities instead of root', 'setpriv is not installed')
        return
    caps = '-all,+bpf,+perfmon,+sys_ptrace,+dac_read_search,+net_admin'
    p = start(['setpriv', '--inh-caps=' + caps, '--ambient-caps=' + caps, '--bounding-set=' + caps, PORTHOLE,
               'events', '--alone', '--kind', 'exec', '--where', 'proc.args=few', '-n', '1', '--for', '5s',
               '--format', '%proc.name'], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until(lambda: p.poll() is not None or spawn('/bin/true', 'few') < 0 or p.poll() is not None, 5)
    out, err = p.communicate(timeout=20)
    eq((p.returncode, out), (0, b'true\n'), 'events with five capabilities instead of root')
    few = Agent('setpriv', '--inh-caps=' + caps, '--ambient-caps=' + caps, '--bounding-set=' + caps)
    ok(few.up, 'the agent too', *few.texts())
    if few.up:
        eq(few.end(signal.SIGTERM)[0], 0, 'and it ends well')


mounted = mounts()
agent = Agent()
ok(agent.up, 'the agent is up', *agent.texts())
if agent.up:
    one_a_node()
    pages()
    state()
    clients()
    several()
    hostile()
    told_the_end()
    killed()
    few_privileges()
done()
