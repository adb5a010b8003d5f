"""Replays of test/captures: golden answers, pipes, damage."""
import os
import random
import subprocess
import sys
import time

from e2e import DIR, PORTHOLE, done, eq, objects, ok, run, skip, start

HERE = os.path.dirname(os.path.abspath(__file__))
CAPTURES = os.path.normpath(HERE + '/../../captures')
EXPECTED = CAPTURES + '/expected'
UPDATE = os.environ.get('UPDATE')
NO_LOSS = (0, b'')

ALL = ['events', '-o', 'json']
LINES = ['events']
PS = ['ps']
PS_JSON = ['ps', '-o', 'json', '--all']

# capture, name of the answer, command
GOLDEN = [
    ('life-6.12', 'events.json', ALL),
    ('life-6.12', 'events.txt', LINES),
    ('life-6.12', 'exec.json', ALL + ['--kind', 'exec', '--fields',
                                      'proc.exeline,proc.args_cut,proc.exepath,proc.cwd,evt.res,'
                                      'proc.pcmdline,proc.tty,user.loginuid']),
    ('life-6.12', 'ancestors.txt', LINES + ['--kind', 'exit', '--format',
                                            '%proc.name < %proc.aname[1] < %proc.aname[2] %user.name']),
    ('life-6.12', 'exit.txt', LINES + ['--kind', 'exit', '--where', 'exit.signal exists or exit.code>0',
                                       '--format', '%proc.pid %proc.name %exit.code %exit.signal']),
    ('files-6.12', 'events.json', ALL),
    ('files-6.12', 'events.txt', LINES),
    ('files-6.12', 'failed.json', ALL + ['--where', 'evt.failed=true', '--fields',
                                         'evt.type,fd.name,fd.nameraw,evt.res,evt.arg.flags']),
    ('where-6.12', 'open.json', ALL + ['--kind', 'open']),
    ('net-6.12', 'events.json', ALL),
    ('net-6.12', 'events.txt', LINES),
    ('net-6.12', 'ports.txt', LINES + ['--where', 'fd.sport=8080', '--fields',
                                       'evt.type,fd.cip,fd.sip,fd.sport,fd.l4proto,evt.res']),
    ('pods-v2-6.12', 'events.json', ALL),
    ('pods-v2-6.12', 'ps.txt', PS),
    ('pods-v2-6.12', 'ps.json', PS_JSON),
    ('pods-v2-6.12', 'container.txt', LINES + ['--container', '9d8c7b6a5f4e']),
    ('pods-hybrid-5.10', 'events.json', ALL),
    ('pods-hybrid-5.10', 'ps.txt', PS),
    ('pods-hybrid-5.10', 'ps.json', PS_JSON),
    ('pods-hybrid-5.10', 'pod.txt', LINES + ['--where',
                                             'k8s.pod.uid=0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9']),
    ('requests-redis', 'requests.txt', ['requests']),
    ('requests-redis', 'requests.json', ['requests', '-o', 'json']),
    ('requests-redis', 'slow.txt', ['requests', '--slow', '1ms', '--where', 'req.side=client and req.ok=false',
                                    '--fields', 'proc.name,req.method,req.status,req.latency,fd.sport']),
    ('requests-redis', 'top.txt', ['requests', 'top', '--by', 'side,route,process', '--sort', 'key']),
    ('requests-redis', 'top.json', ['requests', 'top', '--by', 'method', '-o', 'json']),
    ('requests-redis', 'map.json', ['map', '-o', 'json']),
    ('requests-redis', 'map.txt', ['map']),
    ('requests-redis', 'map.dot', ['map', '-o', 'dot']),
]


def path(name):
    return '%s/%s.cap' % (CAPTURES, name)


def first_difference(a, b):
    a, b = a.split(b'\n'), b.split(b'\n')
    for i, (x, y) in enumerate(zip(a, b)):
        if x != y:
            return 'line %d\nis:     %r\nstored: %r' % (i + 1, x[:1000], y[:1000])
    return '%d lines, %d stored' % (len(a), len(b))


def golden():
    os.makedirs(EXPECTED, exist_ok=True)
    for capture, name, command in GOLDEN:
        stored = '%s/%s.%s' % (EXPECTED, capture, name)
        status, out, err = run(*command, '--replay', path(capture))
        if UPDATE:
            with open(stored, 'wb') as f:
                f.write(out)
        with open(stored, 'rb') as f:
            want = f.read()
        ok((status, err) == NO_LOSS and out == want and want, '%s: %s' % (capture, name),
           status, err.decode('utf-8', 'replace'), first_difference(out, want))
        if name.endswith('.json'):
            try:
                objects(out)
            except ValueError as e:
                ok(False, '%s: %s: is JSON' % (capture, name), e)


def known():
    """Not only the same as before, but what the workload was."""
    def replay(name, *args):
        return objects(run('events', '-o', 'json', '--replay', path(name), *args)[1])
    e = replay('life-6.12', '--kind', 'exec', '--fields', 'proc.exeline,proc.pid,evt.res,fd.name')
    lines = [x.get('proc.exeline') for x in e]
    ok('vm-exec now one two words  tab\tand\nnewline' in lines and
       'vm-exec now ' + 'x' * 1500 in lines, 'life: arguments', lines)
    ok([x for x in e if x['evt.res'] == 'ENOENT' and x.get('fd.name') == '/no/such/program'],
       'life: a failed exec')
    e = replay('life-6.12', '--kind', 'exit')
    ok(any(x.get('exit.code') == 7 and x['proc.name'] == 'vm-exit' for x in e) and
       any(x.get('exit.signal') == 9 for x in e), 'life: status 7, signal 9')
    for name in ('pods-v2-6.12', 'pods-hybrid-5.10'):
        e = replay(name, '--where', 'container.id != host', '--fields',
                   'evt.type,container.id,k8s.pod.uid,proc.cmdline,fd.name,evt.res')
        eq({(x['container.id'], x['k8s.pod.uid']) for x in e},
           {(c, '0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9') for c in ('4fe1c8a09b7d', '9d8c7b6a5f4e')},
           name + ': containers and pod')
        ok(any(x['container.id'] == '4fe1c8a09b7d' and x.get('fd.name') == '/etc/vmtest-file' and
               x['proc.cmdline'] == 'vm-pod open /etc/vmtest-file 0' for x in e) and
           any(x['container.id'] == '9d8c7b6a5f4e' and x.get('fd.name') == '/etc/vmtest-missing' and
               x['evt.res'] == 'ENOENT' for x in e), name + ': each did its own', e[:3])
    times = [x['evt.time'] for x in replay('files-6.12')]
    eq(times, sorted(times), 'files: in order of time')


def pipes():
    capture = path('files-6.12')
    with open(capture, 'rb') as f:
        data = f.read()
    whole = run('events', '-o', 'json', '--replay', capture)
    eq(run('events', '-o', 'json', '--replay', '-', stdin=data), whole, 'from a pipe: the same')
    p = start([PORTHOLE, 'events', '-o', 'json', '--replay', '-'], stdin=subprocess.PIPE,
              stdout=subprocess.PIPE)
    step = len(data) // 7
    for i in range(0, len(data), step):
        p.stdin.write(data[i:i + step])
        p.stdin.flush()
        time.sleep(0.05)
    cpu = cpu_of(p.pid)
    time.sleep(0.5)
    ok(cpu_of(p.pid) - cpu < 0.2, 'a pipe that is quiet costs nothing', cpu_of(p.pid) - cpu)
    out = p.communicate()[0]
    eq((p.returncode, out), whole[:2], 'from a slow pipe: the same')
    status, out, err = run('events', '--replay', capture, '-n', '3')
    eq((status, out.count(b'\n')), (0, 3), '-n ends a replay')
    status, out, err = run('events', '--replay', capture, '--tree', '--pid', '1', '--kind', 'exec')
    ok(status == 0 and out.count(b'\n') > 5, '--pid --tree in a replay')


def cpu_of(pid):
    with open('/proc/%d/stat' % pid) as f:
        stat = f.read().rsplit(')', 1)[1].split()
    return (int(stat[11]) + int(stat[12])) / os.sysconf('SC_CLK_TCK')


def damaged_run(data, name):
    p = '%s/%s.cap' % (DIR, name)
    with open(p, 'wb') as f:
        f.write(data)
    return run('events', '-o', 'json', '--replay', p, timeout=20)


def damage():
    """Read up to the damage, which is said, with status 1; never more than the whole file has."""
    with open(path('files-6.12'), 'rb') as f:
        data = f.read()
    whole = run('events', '-o', 'json', '--replay', path('files-6.12'))[1].split(b'\n')
    # The last block is the counters: without it all events are there, and the end is still missed.
    status, out, err = damaged_run(data[:-1], 'short')
    ok(status == 1 and out.split(b'\n') == whole and b'read up to byte' in err, 'one byte short', status,
       err)
    bad = []
    rng = random.Random(1)
    cuts = sorted(rng.sample(range(len(data)), 25))
    some = 0
    for at in cuts:
        status, out, err = damaged_run(data[:at], 'cut')
        lines = out.split(b'\n')[:-1]
        some += 0 < len(lines)
        if status != 1 or lines != whole[:len(lines)] or not err.startswith(b'porthole: '):
            bad.append((at, status, len(lines), err))
    eq(bad, [], 'cut at 25 places')
    bad = []
    for at in sorted(rng.sample(range(len(data)), 40)):
        changed = bytearray(data)
        changed[at] ^= 1 << rng.randrange(8)
        status, out, err = damaged_run(bytes(changed), 'changed')
        lines = out.split(b'\n')[:-1]
        if status != 1 or lines != whole[:len(lines)] or not err.startswith(b'porthole: '):
            bad.append((at, status, len(lines), err))
    eq(bad, [], 'one bit wrong at 40 places')
    status, out, err = damaged_run(data + b'more', 'more')
    ok(status == 0 and out.split(b'\n') == whole, 'what stands behind the end is not read', status, err)
    status, out, err = run('ps', '--replay', DIR + '/cut.cap')
    ok(status == 1 and err, 'ps of a damaged capture ends with 1')


def unreadable():
    cases = [('empty', b''), ('text', b'hello\n' * 100), ('zeros', bytes(4096)),
             ('noise', random.Random(2).randbytes(4096))]
    for name, data in cases:
        status, out, err = damaged_run(data, name)
        ok(status == 1 and out == b'' and name.encode() in err and err.count(b'\n') == 1,
           'no capture: ' + name, status, err)
    for p in (DIR, DIR + '/none', '/dev/null'):
        status, out, err = run('events', '--replay', p, timeout=10)
        ok(status == 1 and out == b'' and p.encode() in err and err.count(b'\n') == 1,
           'no capture: ' + ('a directory' if p == DIR else os.path.basename(p)), status, err)
    secret = DIR + '/secret.cap'
    with open(path('net-6.12'), 'rb') as f, open(secret, 'wb') as g:
        g.write(f.read())
    os.chmod(secret, 0)
    if os.geteuid() == 0:
        os.chmod(DIR, 0o755)
        p = subprocess.run([PORTHOLE, 'events', '--replay', secret], capture_output=True, timeout=20,
                           user=65534) if os.access(PORTHOLE, os.X_OK) else None
        status, err = p.returncode, p.stderr
    else:
        status, out, err = run('events', '--replay', secret)
    ok(status == 1 and b'ermission denied' in err, 'a file one may not read', status, err)


def without_root():
    if os.geteuid() != 0:
        skip('as nobody the same', 'this is nobody already')
        return
    d = DIR + '/nobody.cap'
    with open(path('pods-v2-6.12'), 'rb') as f, open(d, 'wb') as g:
        g.write(f.read())
    os.chmod(DIR, 0o755)
    os.chmod(d, 0o644)
    try:
        p = subprocess.run([PORTHOLE, 'ps', '--replay', d], capture_output=True, timeout=20, user=65534)
    except PermissionError:
        skip('as nobody the same', 'the program is where nobody may not go')
        return
    eq((p.returncode, p.stdout), run('ps', '--replay', d)[:2], 'as nobody the same')


for test in (golden, known, pipes, damage, unreadable, without_root):
    if len(sys.argv) < 2 or test.__name__ in sys.argv[1:]:
        test()
done()
