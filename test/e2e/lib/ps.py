"""porthole ps, live: a tree that is known, selection, forms, and the same from a capture."""
import os
import pty
import re
import subprocess
import sys
import time

import runc
from e2e import DIR, PORTHOLE, Watch, capable, done, eq, objects, of, ok, run, skip, start

why = capable()
if why:
    print('1..0 # SKIP ' + why)
    sys.exit(0)

NAME = 'e2e-\x1b[31m\n\xff'


def tree_start():
    """sh -> sleep, sleep; one child has another user. -> pids by name"""
    script = 'sleep 61 & sleep 62 & echo $!; sleep 63 & wait'
    sh = start(['/bin/sh', '-c', script, 'e2e-tree'], stdout=subprocess.PIPE)
    second = int(sh.stdout.readline())
    user = start([sys.executable, '-c', 'import os,time; os.setuid(65534); time.sleep(64)', NAME])
    time.sleep(0.3)
    return {'sh': sh.pid, 'second': second, 'user': user.pid}


def children_of(pid):
    with open('/proc/%d/task/%d/children' % (pid, pid)) as f:
        return [int(x) for x in f.read().split()]


def json_form(pids):
    status, out, err = run('ps', '-o', 'json')
    eq((status, err), (0, b''), 'ps -o json')
    rows = {e['proc.pid']: e for e in objects(out)}
    ok(pids['sh'] in rows and rows[pids['sh']]['proc.ppid'] == os.getpid() and
       rows[pids['sh']]['proc.exeline'].startswith('/bin/sh -c sleep 61') and
       rows[pids['sh']]['proc.name'] == 'sh' and rows[pids['sh']]['container.id'] == 'host' and
       rows[pids['sh']]['user.name'] == 'root', 'a process: parent, arguments, name, user, container',
       rows.get(pids['sh']))
    kids = children_of(pids['sh'])
    eq(sorted(p for p, e in rows.items() if e['proc.ppid'] == pids['sh']), sorted(kids),
       'its children, those the kernel lists')
    age = rows[pids['sh']]['proc.duration'] / 1e9
    ok(0.2 < age < 30, 'its age', age)
    start_ns = rows[pids['sh']]['proc.start_time']
    ok(abs(start_ns / 1e9 + age - time.time()) < 3, 'its start, in time of day')
    eq([(rows[pids['user']]['user.uid'], rows[pids['user']]['user.name'])], [(65534, 'nobody')],
       'the user it became')
    ok('\x1b[31m\n' in rows[pids['user']]['proc.exeline'], 'hostile arguments: JSON', rows[pids['user']])
    eq([p for p, e in rows.items() if e['proc.ppid'] == 2 or p == 2], [], 'no kernel threads')


def complete():
    """What /proc has before and after, ps has; but not the first process: some machines hide it."""
    def programs():
        own = set()
        for p in os.listdir('/proc'):
            try:
                if p.isdigit() and p != '1' and open('/proc/%s/cmdline' % p, 'rb').read(1):
                    own.add(int(p))
            except OSError:
                pass
        return own
    before = programs()
    rows = {e['proc.pid'] for e in objects(run('ps', '-o', 'json')[1])}
    there = before & programs()
    eq((sorted(there - rows), len(there) > 3), ([], True), 'every process of /proc')


def text_form(pids):
    status, out, err = run('ps')
    text = out.decode()
    lines = text.split('\n')[:-1]
    eq(lines[0].split(), ['PID', 'PPID', 'USER', 'CONTAINER', 'POD', 'AGE', 'COMMAND'], 'text: head')
    at = lines[0].index('COMMAND')
    rows = {int(l.split()[0]): l for l in lines[1:]}
    kids = children_of(pids['sh'])
    drawn = [rows[p][at:] for p in kids]
    indent = len(rows[pids['sh']][at:]) - len(rows[pids['sh']][at:].lstrip(' │├└─'))
    bare = [re.sub(r'^[ │]*', '', d) for d in drawn]
    eq(bare, ['├─ sleep 61', '├─ sleep 62', '└─ sleep 63'], 'text: children on their parent, in order')
    order = [int(l.split()[0]) for l in lines[1:]]
    i = order.index(pids['sh'])
    eq(order[i + 1:i + 4], kids, 'text: right below it')
    eq([d.index('─') for d in drawn], [indent + 1] * 3, 'text: drawn below its command')
    ok(all(re.match(r' *\d+ +\d+ \S+ +\S+ +\S+ +(\d+s|\d+m\d\ds|\d+h\d\dm|\d+d\d\dh) ', l)
           for l in lines[1:]), 'text: seven columns in every line',
       [l for l in lines[1:] if not re.match(r' *\d+ +\d+ \S+ +\S+ +\S+ +\d+\w+ ', l)][:3])
    eq({l[at - 1] for l in lines}, {' '}, 'text: aligned')
    line = rows[pids['user']]
    ok('\\x1b[31m\\n\\xc3\\xbf' in line.replace('ÿ', '\\xc3\\xbf') and '\x1b' not in text,
       'hostile arguments: text is one line, escaped', line)


def selection(pids):
    def got(*args):
        return [e['proc.pid'] for e in objects(run('ps', '-o', 'json', *args)[1])]
    kids = children_of(pids['sh'])
    eq(got('--pid', str(pids['sh'])), [pids['sh']], '--pid')
    eq(got('--pid', str(pids['sh']), '--tree'), [pids['sh']] + kids, '--pid --tree')
    eq(got('--where', 'proc.ppid=%d and proc.exeline contains 62' % pids['sh']), [pids['second']],
       '--where')
    eq(got('--where', 'user.name=nobody and proc.ppid=%d' % os.getpid()), [pids['user']],
       '--where, by user')
    me = os.getpid()
    where = 'proc.pid=%d or proc.ppid=%d' % (me, pids['sh'])
    lines = run('ps', '--where', where)[1].decode().split('\n')[1:-1]
    eq([int(l.split()[0]) for l in lines], [me] + kids, 'children of one that is not shown')
    ok('└─' in lines[-1] and lines[-1].index('└─') == lines[1].index('├─'), 'hang on its parent', lines)
    flat = run('ps', '--flat', '--where', where)[1].decode()
    ok('└─' not in flat and '├─' not in flat and flat.count('\n') == 5, '--flat: no lines', flat)
    threads = objects(run('ps', '--all', '-o', 'json')[1])
    kernel = [i for i, e in enumerate(threads) if e['proc.pid'] == 2 or e['proc.ppid'] == 2]
    ok(len(kernel) > 5 and kernel == list(range(kernel[0], len(threads))), '--all: kernel threads, last')
    for args in (['--where', 'proc.nam=1'], ['--pid', 'x'], ['--tree'], ['x']):
        status, out, err = run('ps', *args)
        ok(status == 2 and out == b'' and err, 'usage: ' + ' '.join(args))


def terminal(pids):
    """On a terminal of 60 columns."""
    pid, fd = pty.fork()
    if pid == 0:
        import fcntl
        import struct
        import termios
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack('HHHH', 24, 60, 0, 0))
        os.execv(PORTHOLE, [PORTHOLE, 'ps'])
    out = b''
    try:
        while True:
            more = os.read(fd, 65536)
            if not more:
                break
            out += more
    except OSError:
        pass
    os.waitpid(pid, 0)
    os.close(fd)
    widths = [len(l) for l in out.decode().replace('\r', '').split('\n')]
    eq(max(widths), 60, 'on a terminal: cut to its width')


def replay(pids):
    cap = DIR + '/ps.cap'
    w = Watch('-w', cap, '--kind', 'exec', command=('record',))
    gone = start(['/bin/sleep', '0.1'])
    gone.wait()
    new = start(['/bin/sleep', '65'])
    status, out, err = w.stop(settle=0.4)
    eq((status, out), (0, b''), 'record')
    rows = {e['proc.pid']: e for e in objects(run('ps', '-o', 'json', '--replay', cap)[1])}
    ok(new.pid in rows and gone.pid not in rows and rows[new.pid]['proc.exeline'] == '/bin/sleep 65' and
       rows[new.pid]['proc.ppid'] == os.getpid() and pids['sh'] in rows and
       rows[pids['user']]['user.name'] == 'nobody', 'from a capture: who was alive at its end')
    again = run('ps', '-o', 'json', '--replay', cap)
    eq(again, run('ps', '-o', 'json', '--replay', cap), 'twice the same')
    status, out, err = run('ps', '--replay', '-', stdin=open(cap, 'rb').read())
    eq((status, out), run('ps', '--replay', cap)[:2], 'from a pipe too')


def containers():
    why = runc.missing()
    if why:
        skip('container and pod columns', why)
        return
    uid = runc.new_uid()
    c = runc.Container(runc.kubepods_systemd(uid))
    pid = c.start('/bin/sh', '-c', 'sleep 66; true')
    time.sleep(0.2)
    lines = run('ps', '--where', 'container.id!=host')[1].decode().split('\n')
    mine = [l.split() for l in lines if c.id[:12] in l]
    eq([(l[0] == str(pid), l[2], l[3], l[4]) for l in mine],
       [(True, 'root', c.id[:12], uid), (False, 'root', c.id[:12], uid)], 'container and pod columns')
    ok(mine and mine[1][6:] == ['└─', 'sleep', '66'], 'and its tree', mine)
    rows = objects(run('ps', '-o', 'json', '--container', c.id[:12])[1])
    ok(len(rows) == 2 and rows[0]['proc.vpid'] == 1 and 1 < rows[1]['proc.vpid'] < 100,
       'numbers in its own pid namespace', rows)
    c.delete()


pids = tree_start()
for test in (json_form, text_form, selection, terminal, replay):
    test(pids)
complete()
containers()
done()
