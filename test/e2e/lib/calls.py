"""Calls, live: dup, socket, send, receive, memory, opens; arguments, peers, data, real paths."""
import ctypes
import errno
import os
import socket
import subprocess
import sys

from e2e import DIR, Watch, at_end, capable, child, done, eq, of, ok, skip

why = capable()
if why:
    print('1..0 # SKIP ' + why)
    sys.exit(0)

os.chdir(DIR)
libc = ctypes.CDLL(None, use_errno=True)
OPENAT2, MEMFD, USERFAULTFD, DUP3 = 437, 319, 323, 292     # x86-64
AT_FDCWD = -100
FIELDS = 'evt.type,evt.args,evt.rawres,evt.res,proc.pid,fd.num,fd.name,fd.type,fd.typechar,'


def call(number, *args):
    got = libc.syscall(number, *args)
    return -ctypes.get_errno() if got < 0 else got


class How(ctypes.Structure):
    _fields_ = [('flags', ctypes.c_uint64), ('mode', ctypes.c_uint64), ('resolve', ctypes.c_uint64)]


def udp(port=0):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(('127.0.0.1', port))
    return s


def watch(kinds, fields, work, *more):
    """The events of work, which runs in a child."""
    w = Watch('--kind', kinds, '--fields', FIELDS + fields, *more)
    pid = child(work)
    events = of(w.events(), proc_pid=pid)
    eq(w.said, '', kinds + ': nothing lost')
    return events


def descriptors():
    def work():
        listener = socket.socket()
        listener.bind(('127.0.0.1', 0))
        listener.listen()
        c = socket.socket()
        c.connect(listener.getsockname())
        server, _ = listener.accept()
        os.dup2(server.fileno(), 0)
        call(DUP3, os.open('/etc/passwd', os.O_RDONLY), 60, os.O_CLOEXEC)
        r, w = os.pipe()
        os.dup2(r, 61)
        libc.dup(999)
        call(MEMFD, b'memo', 1)
        call(USERFAULTFD, os.O_NONBLOCK | 1)

    events = watch('dup,memory', 'fd.connected,fd.sport', work)
    e = of(events, evt_type='dup2', fd_num=0)
    ok(len(e) == 1 and e[0]['fd.type'] == 'ipv4' and e[0]['evt.rawres'] == 0 and e[0]['fd.connected'] and
       e[0]['evt.args'].startswith('res=0(<4t>127.0.0.1:'), 'dup2: a connection onto standard input', e)
    e = of(events, evt_type='dup3')
    ok(len(e) == 1 and e[0]['fd.name'] == '/etc/passwd' and e[0]['fd.num'] == 60 and
       e[0]['evt.args'].endswith('newfd=60 flags=524288(O_CLOEXEC)'), 'dup3: the file behind it', e)
    e = of(events, evt_type='dup2', fd_num=61)
    eq([x['fd.typechar'] for x in e], ['p'], 'dup2: a pipe')
    e = of(events, evt_type='dup')
    eq([(x['evt.res'], x['evt.args']) for x in e], [('EBADF', 'res=-9(EBADF) oldfd=999')], 'dup: a failed one')
    e = of(events, evt_type='memfd_create')
    ok(len(e) == 1 and e[0]['fd.type'] == 'memfd' and
       e[0]['evt.args'].endswith('name=memo flags=1(MFD_CLOEXEC)'), 'memfd_create', e)
    e = of(events, evt_type='userfaultfd')
    if e and e[0]['evt.res'] == 'ENOSYS':
        skip('userfaultfd', 'this kernel has none')
    else:
        ok(len(e) == 1 and 'flags=2049(O_NONBLOCK|UFFD_USER_MODE_ONLY)' in e[0]['evt.args'],
           'userfaultfd', e)


def sockets():
    def work():
        for family, kind in ((socket.AF_INET, socket.SOCK_STREAM), (socket.AF_INET6, socket.SOCK_DGRAM),
                             (socket.AF_UNIX, socket.SOCK_STREAM), (socket.AF_NETLINK, socket.SOCK_RAW),
                             (socket.AF_PACKET, socket.SOCK_RAW)):
            try:
                socket.socket(family, kind).close()
            except OSError:
                pass

    events = watch('socket', 'evt.arg.domain,evt.rawarg.domain', work)
    eq([(x['evt.arg.domain'], x['evt.rawarg.domain']) for x in events],
       [('AF_INET', 2), ('AF_INET6', 10), ('AF_LOCAL|AF_UNIX', 1), ('AF_ROUTE|AF_NETLINK', 16),
        ('AF_PACKET', 17)], 'socket: domains by name and number')
    eq([x['fd.typechar'] for x in events if x['evt.rawres'] >= 0][:4], ['4', '6', 'u', 'n'],
       'socket: types of descriptors')


def messages_work(one, two):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.sendto(b'first \xca\xfe\xba\xbe', one)
    s.sendto(b'again', one)
    s.sendto(b'other', two)
    s.sendmsg([b'in ', b'parts'], [], 0, two)
    s.sendmsg([b'back'], [], 0, one)
    s.connect(one)
    s.send(b'connected')
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).send(b'to nobody')
    except OSError:
        pass


MESSAGE_FIELDS = 'fd.connected,fd.name_changed,fd.rport,fd.lport,fd.is_server,fd.l4proto,evt.buffer,evt.buflen,' \
    'evt.io_dir,evt.is_io_write'


def sends():
    one, two = udp(), udp()
    ports = one.getsockname()[1], two.getsockname()[1]
    events = watch('send,connect', MESSAGE_FIELDS, lambda: messages_work(one.getsockname(), two.getsockname()))
    got = [(x['evt.type'], x.get('fd.rport'), x['fd.name_changed'], x['fd.connected'])
           for x in events if x['evt.rawres'] >= 0]
    eq(got, [('sendto', ports[0], True, False), ('sendto', ports[0], False, False),
             ('sendto', ports[1], True, False), ('sendmsg', ports[1], False, False),
             ('sendmsg', ports[0], True, False), ('connect', ports[0], False, True),
             ('sendto', ports[0], False, True)], 'send: which peer, and whether it is a new one')
    eq([x.get('evt.buffer') for x in events if x['evt.type'] == 'sendmsg'], ['in ', 'back'],
       'sendmsg: the first part of the data')
    ok(all(x['fd.l4proto'] == 'udp' and x['evt.buflen'] == x['evt.rawres'] and x['evt.io_dir'] == 'write'
           for x in events if x['evt.type'] != 'connect' and x['evt.rawres'] >= 0), 'send: sizes', events)
    eq([x['evt.res'] for x in events if x['evt.rawres'] < 0], ['EDESTADDRREQ'], 'send: a failed one')
    # The same again with conditions: the kernel may drop what names no new peer.
    outbound = 'evt.type in (sendto, sendmsg) and fd.l4proto != tcp and fd.connected=false and ' \
               'fd.name_changed=true and fd.typechar=4 and evt.rawres >= 0'
    answers = []
    for pushdown in ('1', '0'):
        w = Watch('--fields', FIELDS + 'fd.rport', '--where', outbound, env={'PORTHOLE_PUSHDOWN': pushdown})
        pid = child(lambda: messages_work(one.getsockname(), two.getsockname()))
        answers.append([x['fd.rport'] for x in of(w.events(), proc_pid=pid)])
    eq(answers, [[ports[0], ports[1], ports[0]]] * 2, 'send: new peers alone, filtered in the kernel or not')
    w = Watch('--fields', FIELDS + 'evt.buffer', '--where', 'evt.buffer bcontains cafebabe')
    pid = child(lambda: messages_work(one.getsockname(), two.getsockname()))
    eq([x['evt.args'].split()[0] for x in of(w.events(), proc_pid=pid)], ['res=10'], 'send: by its bytes')
    w = Watch('--kind', 'send', '--fields', FIELDS + 'evt.buflen')
    pid = child(lambda: messages_work(one.getsockname(), two.getsockname()))
    e = of(w.events(), proc_pid=pid)
    ok(len(e) == 7 and all('data=<NA>' in x['evt.args'] for x in e), 'send: no data unless it is asked for', e)


def receives():
    def work():
        one, two = udp(), udp()
        for data in (b'a', b'bb', b'ccc'):
            one.sendto(data, two.getsockname())
        two.recvfrom(100)
        two.recvmsg(100)
        two.recv(100)
        two.setblocking(False)
        try:
            two.recvfrom(100)
        except OSError:
            pass

    events = watch('recv', MESSAGE_FIELDS, work)
    eq([(x['evt.type'], x['evt.rawres'], x['fd.name_changed'], x.get('evt.buffer')) for x in events],
       [('recvfrom', 1, True, 'a'), ('recvmsg', 2, False, 'bb'), ('recvfrom', 3, False, 'ccc'),
        ('recvfrom', -errno.EAGAIN, False, None)], 'recv: sizes, peers and data')
    ok(all('fd.rport' in x for x in events[:2]), 'recv: whose it is', events)


def opens():
    d = DIR + '/opens'
    os.mkdir(d)
    os.symlink('/etc/passwd', d + '/link')

    def work():
        os.open(d + '/new', os.O_CREAT | os.O_WRONLY, 0o755)
        os.open(d + '/new', os.O_CREAT | os.O_WRONLY, 0o755)
        how = How(os.O_RDWR | os.O_CREAT, 0o600, 4)
        call(OPENAT2, AT_FDCWD, (d + '/how').encode(), ctypes.byref(how), 24)
        call(OPENAT2, AT_FDCWD, b'/nowhere', None, 24)
        os.open(d + '/link', os.O_RDONLY)
        os.open(d, os.O_RDONLY | os.O_DIRECTORY)

    events = watch('open', 'evt.is_open_read,evt.is_open_write,evt.is_open_exec,evt.is_open_create,'
                   'evt.arg.flags,evt.arg.mode,fd.realpath,fd.ino,fd.dev', work)
    by = {}
    for e in events:
        by.setdefault(e.get('fd.name'), []).append(e)
    new = by.get(d + '/new', [])
    eq([(x['evt.is_open_create'], x['evt.is_open_exec'], x['evt.is_open_write'], x['evt.arg.mode'])
        for x in new], [(True, True, True, '0755'), (False, True, True, '0755')], 'open: made it, or not')
    eq([x['evt.arg.flags'] for x in new], ['O_CREAT|O_WRONLY|O_CLOEXEC|O_F_CREATED', 'O_CREAT|O_WRONLY|O_CLOEXEC'],
       'open: flags')
    how = by.get(d + '/how', [])
    eq([(x['evt.arg.flags'], x['evt.arg.mode'], x['evt.is_open_read'], x['evt.is_open_write']) for x in how],
       [('O_CREAT|O_RDWR|O_F_CREATED', '0600', True, True)], 'openat2: its flags and mode')
    ok('resolve=4(RESOLVE_NO_SYMLINKS)' in how[0]['evt.args'] if how else False, 'openat2: resolve', how)
    bad = by.get('/nowhere', [])
    ok(len(bad) == 1 and 'evt.is_open_read' not in bad[0] and bad[0]['evt.rawres'] < 0,
       'openat2: flags that cannot be read are not known', bad)
    link = by.get(d + '/link', [])
    st = os.stat('/etc/passwd')
    eq([(x.get('fd.realpath'), x.get('fd.ino')) for x in link], [(os.path.realpath('/etc/passwd'), st.st_ino)],
       'open: the real path and inode behind a link')
    eq([x['fd.typechar'] for x in by.get(d, [])], ['d'], 'open: a directory')


def layers():
    d = DIR + '/overlay'
    for x in ('lower', 'upper', 'work', 'merged'):
        os.makedirs(os.path.join(d, x))
    for name in ('lower/old', 'upper/new'):
        with open(os.path.join(d, name), 'w') as f:
            f.write('x')
    merged = d + '/merged'
    if subprocess.run(['mount', '-t', 'overlay', 'overlay', '-o', 'lowerdir=%s/lower,upperdir=%s/upper,'
                       'workdir=%s/work' % (d, d, d), merged], capture_output=True).returncode:
        return skip('layers of an overlay', 'no overlay file system can be mounted here')
    at_end(subprocess.run, ['umount', merged])

    def work():
        for path in (merged + '/old', merged + '/new', '/etc/passwd'):
            os.close(os.open(path, os.O_RDONLY))

    events = watch('open', 'fd.is_upper_layer,fd.is_lower_layer', work)
    eq([(os.path.basename(x['fd.name']), x['fd.is_upper_layer'], x['fd.is_lower_layer']) for x in events],
       [('old', False, True), ('new', True, False), ('passwd', False, False)], 'layers of an overlay')


descriptors()
sockets()
sends()
receives()
opens()
layers()
done()
