"""Operations through io_uring: each one's event against that of the same operation by system call."""
import ctypes
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time

from e2e import DIR, Watch, capable, done, eq, ok, skip, start

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../vm/uring_tool.c')
TOOL = os.path.join(DIR, 'uring_tool')
KINDS = 'open,create,delete,rename,link,connect,accept,socket,send,recv'
SAME = ['evt.type', 'evt.kind', 'evt.res', 'fd.name', 'fd.type', 'evt.is_open_read',
        'evt.is_open_write', 'evt.is_open_create', 'fd.typechar', 'fd.l4proto', 'fd.name_changed'] + ['evt.arg.' + a for a in (
            'dirfd', 'name', 'path', 'flags', 'mode', 'oldpath', 'newpath', 'olddirfd', 'newdirfd',
            'target', 'linkdirfd', 'linkpath', 'olddir', 'newdir', 'addr', 'resolve', 'domain', 'type', 'proto')]
FILE = ['fd.realpath', 'fd.ino', 'fd.dev', 'fd.is_upper_layer', 'fd.is_lower_layer']
FIELDS = SAME + ['evt.rawres', 'fd.num', 'evt.io_uring', 'evt.io_uring.assumed', 'proc.pid',
                 'proc.name', 'thread.tid']
AT_FDCWD = -100
libc = ctypes.CDLL(None)


def why_not():
    """Why nothing can be tested here, or None; makes the tool."""
    why = capable()
    if why:
        return why
    cc = shutil.which('gcc') or shutil.which('cc')
    if not cc or os.uname().machine != 'x86_64':
        return 'needs a C compiler and x86-64'
    subprocess.run([cc, '-std=gnu11', '-O2', '-D_GNU_SOURCE', '-o', TOOL, SOURCE], check=True)
    p = subprocess.run([TOOL, 'open', '/dev/null', '0'], stderr=subprocess.PIPE)
    return 'no io_uring here: ' + p.stderr.decode() if p.returncode == 3 else None


def tool(*words):
    """Runs the tool to its end. -> (pid, status)"""
    p = start([TOOL, *words])
    return p.pid, p.wait(30)


def watch(*args, fields=FIELDS, **kw):
    return Watch('--kind', KINDS, '--fields', ','.join(fields), *args, **kw)


def told(events, pid, type_=None):
    """What io_uring did for a process."""
    return [e for e in events if e['proc.pid'] == pid and e.get('evt.io_uring') and
            (not type_ or e['evt.type'] == type_)]


def fresh():
    """An empty working folder, always of the same name, with what the operations need."""
    path = os.path.join(DIR, 'same')
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path + '/gone')
    with open(path + '/file', 'w'):
        pass
    os.chdir(path)


def connect_nobody():
    with socket.socket() as s:
        s.connect_ex(('127.0.0.1', 9))


def udp(port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(('127.0.0.1', port))
    return s


def send_as(way):
    def do():
        with udp(39125) as s:
            if way == 'sendmsg':
                s.sendmsg([b'hello'], [], 0, ('127.0.0.1', 9))
            elif way == 'known':
                s.connect(('127.0.0.1', 9))
                s.send(b'hello')
            else:
                s.sendto(b'hello', ('127.0.0.1', 9))
    return do


def receive_as(way):
    def do():
        with udp(39124) as s:
            with udp(39125) as peer:
                peer.sendto(b'hello', ('127.0.0.1', 39124))
            s.recvmsg(8) if way == 'recvmsg' else s.recv(8)
    return do


def both_ways():
    """type, words for the tool, the same as a system call"""
    how = struct.pack('QQQ', os.O_RDWR | os.O_CLOEXEC, 0, 0)
    table = [
        ('openat', 'open /etc/hostname 0', (257, AT_FDCWD, b'/etc/hostname', 0, 0)),
        ('openat', 'open missing -2', (257, AT_FDCWD, b'missing', 0, 0)),
        ('openat', 'open ../same/./file 0', (257, AT_FDCWD, b'../same/./file', 0, 0)),
        ('openat', 'create new 0', (257, AT_FDCWD, b'new', 0o1101, 0o640)),
        ('openat', 'create file 0', (257, AT_FDCWD, b'file', 0o1101, 0o640)),
        ('openat2', 'openat2 /etc hostname 0', (437, None, b'hostname', how, 24)),
        ('mkdirat', 'mkdir dir 0', (258, AT_FDCWD, b'dir', 0o750)),
        ('mkdirat', 'mkdir gone -17', (258, AT_FDCWD, b'gone', 0o750)),
        ('renameat2', 'rename file new 0', (316, AT_FDCWD, b'file', AT_FDCWD, b'new', 0)),
        ('symlinkat', 'symlink some/where soft 0', (266, b'some/where', AT_FDCWD, b'soft')),
        ('linkat', 'link file hard 0', (265, AT_FDCWD, b'file', AT_FDCWD, b'hard', 0)),
        ('unlinkat', 'unlink file 0', (263, AT_FDCWD, b'file', 0)),
        ('unlinkat', 'rmdir gone 0', (263, AT_FDCWD, b'gone', 0x200)),
        ('connect', 'connect 9 -111', connect_nobody),
        ('sendto', 'send 9 0', send_as('sendto')),
        ('sendto', 'send-zc 9 0', send_as('sendto')),
        ('sendto', 'send-known 9 0', send_as('known')),
        ('sendmsg', 'sendmsg 9 0', send_as('sendmsg')),
        ('sendmsg', 'sendmsg-zc 9 0', send_as('sendmsg')),
        ('recvfrom', 'recv 39124 0', receive_as('recv')),
        ('recvmsg', 'recvmsg 39124 0', receive_as('recvmsg')),
        ('socket', 'socket 0', (41, socket.AF_INET, socket.SOCK_DGRAM, 17)),
    ]
    w, ran = watch(), []
    for type_, words, call in table:
        fresh()
        pid, status = tool(*words.split())
        fresh()
        if callable(call):
            call()
        else:
            etc = os.open('/etc', os.O_RDONLY | os.O_DIRECTORY)
            fd = libc.syscall(*[etc if a is None else a for a in call])
            if fd > 2:
                os.close(fd)
            os.close(etc)
        ran.append((type_, words, pid, status))
    os.chdir(DIR)
    events = w.events()
    eq(w.said, '', 'nothing lost or unavailable')
    for type_, words, pid, status in ran:
        if status == 3:
            skip('%s: %s' % (type_, words), 'this kernel cannot')
            continue
        mine = told(events, pid)
        if not eq([e['evt.type'] for e in mine], [type_], '%s: %s: one event' % (type_, words)):
            continue
        got = {k: mine[0].get(k) for k in SAME if type_ != 'openat2' or k != 'evt.arg.dirfd'}
        others = [{k: e.get(k) for k in got} for e in events
                  if e['proc.pid'] == os.getpid() and e['evt.type'] == type_]
        ok(got in others, '%s: %s: equal to the system call\'s' % (type_, words),
           *[[k for k in got if o.get(k) != got[k]] + [o, got] for o in others])


def no_completion():
    """What asks for none, or whose completion finds no room, or whose path is long, is told."""
    w = watch()
    long_path = '/etc/' + './' * 300 + 'passwd'
    pids = {name: tool(*words) for name, words in (
        ('skip', ('-s', 'open', '/etc/passwd', '0')),
        ('full', ('-o', 'open', '/etc/passwd', '0', 'open', '/etc/missing', '-2')),
        ('long', ('open', long_path, '0')),
        ('thread', ('-q', 'open', '/etc/passwd', '0')))}
    events = w.events()

    def results(name):
        return [(e['fd.name'], e['evt.rawres'] >= 0, e['evt.io_uring.assumed'])
                for e in told(events, pids[name][0])]

    if pids['skip'][1] == 3:
        skip('no completion is asked for', 'this kernel cannot')
    else:
        eq(results('skip'), [('/etc/passwd', True, True)],
           'no completion is asked for: told, success assumed')
    eq(results('full'), [('/etc/passwd', True, False), ('/etc/missing', False, False)],
       'no room for completions: told with their results')
    eq(results('long'), [('/etc/passwd', True, True)], 'a path of 600 bytes: told, success assumed')
    eq(results('thread'), [('/etc/passwd', True, False)],
       "submitted by the kernel's thread: the process has it")
    e = told(events, pids['thread'][0])
    ok(e and e[0]['thread.tid'] != e[0]['proc.pid'], 'and the thread is named', e)


def opened_files():
    """What is looked up only on request: the file behind links."""
    w = watch(fields=FIELDS + FILE)
    os.symlink('/etc/hostname', 'soft')
    pid, _ = tool('open', 'soft', '0', 'open', '/' + './' * 110 + 'etc/hostname', '0')
    os.close(os.open('soft', os.O_RDONLY))
    events = w.events()
    st = os.stat('/etc/hostname')
    mine = told(events, pid)
    eq([(e['fd.name'], e.get('fd.realpath'), e.get('fd.ino')) for e in mine],
       [(DIR + '/soft', '/etc/hostname', st.st_ino),
        ('/etc/hostname', '/etc/hostname', st.st_ino)], 'the file behind links')
    other = [e for e in events if e['proc.pid'] == os.getpid() and
             (e['evt.type'], e['fd.name']) == ('openat', DIR + '/soft')]
    ok(other and mine and all(other[0].get(k) == mine[0].get(k) for k in FILE),
       "the file behind links: equal to the system call's", mine, other)


def connections():
    w = watch()
    one, more = tool('accept', '2'), tool('accept-more', '3')
    events = w.events()
    for name, (pid, status), n in (('accept', one, 2), ('accept that goes on', more, 3)):
        if status == 3:
            skip(name, 'this kernel cannot')
            continue
        got = [e for e in told(events, pid, 'accept4') if e['evt.rawres'] >= 0]
        eq(len(got), n, '%s: one event a connection' % name)
        ends = {e['fd.name'] for e in got}
        ok(len(ends) == n and all(x.startswith('127.0.0.1:') and '->127.0.0.1:' in x for x in ends),
           '%s: both ends' % name, ends)


def killed():
    """A request that is under way when its process ends."""
    w = watch()
    p = start([TOOL, 'accept', '0'])
    time.sleep(0.3)
    p.send_signal(signal.SIGKILL)
    p.wait()
    events = told(w.events(settle=0.5), p.pid)
    eq([(e['evt.type'], e['evt.res'], e['proc.name']) for e in events],
       [('accept4', 'ECANCELED', 'uring_tool')], 'killed meanwhile: told as what it was')


def rules_match():
    """A condition as rules have it, of Falco's macro open_read; the kernel's filter changes nothing."""
    where = ('evt.type in (open,openat,openat2) and evt.is_open_read=true and fd.num>=0 and '
             'fd.name=/etc/shadow and proc.name=uring_tool')
    words = ('open /etc/shadow 0 open /etc/hostname 0 open /etc/shadow/x -20 open shadow 0 '
             'open ../usr/.././etc//shadow 0 open hostname 0 openat2 / etc/hostname 0').split()
    for name, env in (('filtered in the kernel', {}), ('not filtered', {'PORTHOLE_PUSHDOWN': '0'})):
        w = watch('--where', where, env=env)
        p = start([TOOL, *words], cwd='/etc')
        eq(p.wait(30), 0, 'rules, %s: the work is done' % name)
        events = w.events()
        eq([(e['proc.pid'], e['fd.name'], e['evt.arg.flags']) for e in events],
           [(p.pid, '/etc/shadow', 'O_RDONLY')] * 3,
           'rules, %s: three ways to name the file match, and nothing else' % name)


why = why_not()
if why:
    print('1..0 # SKIP ' + why)
    sys.exit(0)
os.chdir(DIR)
both_ways()
no_completion()
opened_files()
connections()
killed()
rules_match()
done()
