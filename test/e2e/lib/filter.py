"""The kernel's filter: nothing that matches is held back, and what cannot match is."""
import ctypes
import os
import random
import re
import shutil
import socket
import sys

from e2e import DIR, Watch, at_end, capable, child, done, eq, objects, ok, run

why = capable()
if why:
    print('1..0 # SKIP ' + why)
    sys.exit(0)

FIELDS = 'evt.type,evt.rawres,proc.pid,user.uid,fd.name,fd.type'
libc = ctypes.CDLL(None, use_errno=True)
AT_FDCWD, OPENS = -100, 20000
TOP = DIR + '/t'
UDP_PORT = 39123
LONG = 'n' * 200 + '/' + 'm' * 200 + '/deep'
PARTS = ['a', 'b', 'c', '..', '..', '.', '', 'x', 'passwd', 'etc', 'link', 'dev', 'null', '...', '.x',
         'usr', 'lib', '.ssh', 'id_rsa', 'home', 'shadow']

# As rules have them: some with a path to look for, some with more than the kernel can tell.
WHERES = [
    'evt.kind=open and fd.name startswith /etc',
    'evt.type in (open,openat) and fd.num>=0 and fd.filename in (passwd,shadow,id_rsa)',
    'evt.type=openat and evt.is_open_write=true and (fd.directory in (/,/etc,/dev) or '
    'fd.name startswith "%s/a/") and not fd.name in (/dev/null,/etc/x)' % TOP,
    'evt.kind=open and (fd.name contains /.ssh/ or fd.name glob "*/b/*/passwd" or fd.name=/)',
    'evt.kind in (open,delete,create) and not proc.name in (cat,sh) and fd.name endswith /c/x',
    'evt.kind=open and not fd.name startswith /tmp and evt.failed=true and fd.directory!=/etc',
    'evt.kind=rename and fd.name startswith "%s/" or evt.type=mkdir and fd.filename=x' % TOP,
    'evt.type=connect and fd.type=ipv4 and (evt.rawres>=0 or evt.res=EINPROGRESS)',
    'evt.type in (dup,dup2,dup3) and evt.rawres in (0,1,2) and fd.type in (ipv4,ipv6) or '
    'evt.type=connect and fd.type=unix',
    'evt.type=connect and fd.sport=1',
    'evt.kind in (connect,send,recv) and fd.sip in (127.0.0.5,10.0.0.0/8) and fd.sport in (9,53)',
    'evt.kind in (connect,send) and fd.net=127.0.0.0/8 and not fd.rport=9',
    'evt.kind in (connect,send,bind) and fd.ip in (::1,127.0.0.6)',
    'evt.kind in (send,recv) and fd.lport=%d' % UDP_PORT,
    'evt.type=ptrace and evt.arg.request in (PTRACE_ATTACH,PTRACE_SEIZE)',
    'evt.kind=ptrace and not evt.arg.request=PTRACE_ATTACH',
    'evt.type=socket and evt.arg.domain contains AF_PACKET',
    'evt.kind=open and evt.arg.flags contains O_CREAT and fd.directory="%s/a"' % TOP,
    'evt.kind=open and evt.is_open_create=true',
    'evt.kind=open and user.uid=4321 and fd.filename in (passwd,hosts)',
    'evt.kind=open and not user.uid=0 and fd.directory=/etc',
]


def opened(path, directory=AT_FDCWD, flags=0):
    fd = libc.openat(directory, path.encode(), flags, 0o700)
    if fd >= 0:
        os.close(fd)


def any_path(r):
    path = '/'.join(r.choice(PARTS) for _ in range(r.randint(1, 8)))
    return r.choice(['', '', '/', TOP + '/', '../' * r.randint(1, 12), '/etc/../']) + path


def tree():
    os.makedirs(TOP + '/a/b/c')
    os.makedirs(TOP + '/' + LONG)
    os.makedirs(TOP + '/root/etc')
    os.symlink(TOP + '/a/b', TOP + '/link')
    for name in ('a/x', 'a/b/x', 'a/b/c/passwd', 'passwd', 'root/etc/passwd'):
        open(TOP + '/' + name, 'w').close()


def paths(seed):
    r = random.Random(seed)
    where = [TOP, TOP + '/a', TOP + '/a/b/c', TOP + '/link', '/', '/etc', '/usr/lib', '/dev',
             TOP + '/' + LONG, '/proc/self']
    for _ in range(60):
        os.chdir(r.choice(where))
        d = os.open(r.choice(where), os.O_RDONLY | os.O_DIRECTORY)
        for _ in range(12):
            opened(any_path(r), r.choice([d, AT_FDCWD]), r.choice([0, 0, os.O_WRONLY, os.O_RDWR]))
        for path in ('', '.', '..', '/', '//', '/.', '/..', './', 'x' * 255, 'y/' * 200, '/' + 'z' * 300,
                     '../' * 80 + 'etc/passwd', 'c/x'):
            opened(path, d)
        opened('x', 999)
        libc.mkdirat(d, any_path(r).encode() + b'/none/x', 0o700)
        libc.unlinkat(d, b'none/c/x', 0)
        libc.renameat(d, b'none/x', AT_FDCWD, (TOP + '/none/y').encode())
        os.close(d)


def odd_places():
    """A directory that is gone, and another root."""
    os.makedirs(TOP + '/gone')
    os.chdir(TOP + '/gone')
    os.rmdir(TOP + '/gone')
    for path in ('passwd', '../passwd', '.', '/etc/passwd'):
        opened(path)
    os.chdir(TOP + '/root')
    os.chroot('.')
    for path in ('etc/passwd', '/etc/passwd', '../../etc/passwd', '/', '..'):
        opened(path)


def sockets():
    listener = socket.socket()
    listener.bind(('127.0.0.1', 0))
    listener.listen()
    for blocking in (True, False):
        c = socket.socket()
        c.setblocking(blocking)
        c.connect_ex(listener.getsockname())
        for fd in (0, 60):
            os.dup2(c.fileno(), fd)
        socket.socket().connect_ex(('127.0.0.1', 1))
    u = socket.socket(socket.AF_UNIX)
    u.connect_ex(TOP + '/none')
    six = socket.socket(socket.AF_INET6)
    six.connect_ex(('::ffff:127.0.0.1', listener.getsockname()[1]))
    os.dup2(os.open('/dev/null', os.O_RDONLY), 1)


def ends():
    a, b = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    a.bind(('127.0.0.6', UDP_PORT))
    for peer in (('127.0.0.5', 9), ('127.0.0.5', 10), ('127.0.0.6', UDP_PORT)):
        b.sendto(b'x', peer)
    a.recvfrom(1)
    b.sendmsg([b'y'], [], 0, ('127.0.0.6', UDP_PORT))
    a.recvmsg(1)
    b.connect(('127.0.0.5', 53))
    b.send(b'z')
    six = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    for peer in (('::1', 9), ('::ffff:127.0.0.5', 9)):
        six.sendto(b'x', peer)
    six.connect(('::ffff:127.0.0.6', UDP_PORT))
    for domain in (socket.AF_PACKET, socket.AF_UNIX, socket.AF_INET):
        socket.socket(domain, socket.SOCK_DGRAM)


def arguments():
    for request in (16, 0x4206, 3, 0, 77777):
        libc.ptrace(request, 0, 0, 0)
    for path, flags in ((TOP + '/a/new', os.O_CREAT | os.O_RDWR), (TOP + '/a/new', os.O_CREAT),
                        (TOP + '/a/new', os.O_RDWR), (TOP + '/a/none', os.O_RDWR),
                        (TOP + '/a', os.O_TMPFILE | os.O_RDWR)):
        opened(path, flags=flags)
    libc.close(libc.creat((TOP + '/a/created').encode(), 0o700))


def other_user():
    """The effective user is the one that counts."""
    opened('/etc/hosts')
    os.setresuid(0, 4321, 0)
    opened('/etc/passwd')
    os.setresuid(4321, 0, 0)
    opened('/etc/passwd')
    os.setresuid(0, 4322, 0)
    opened('/etc/passwd')


def rows(events, pids):
    keys = FIELDS.split(',')
    return [tuple(e.get(k) for k in keys) for e in events if e.get('proc.pid') in pids]


def same():
    everything = DIR + '/everything'
    kinds = 'open,create,delete,rename,connect,dup,send,recv,bind,ptrace,socket'
    record = Watch('--kind', kinds, '--write', everything, command=('record',),
                   env={'PORTHOLE_PUSHDOWN': '0'})
    watches = [Watch('--where', w, '--fields', FIELDS) for w in WHERES]
    work = [lambda: paths(1), lambda: paths(2), odd_places, sockets, other_user, ends, arguments]
    pids = [child(f) for f in work]
    live = [w.events() for w in watches]
    status, _, err = record.stop()
    ok(status == 0 and b'lost' not in err, 'everything is recorded', err.decode())
    for where, got, w in zip(WHERES, live, watches):
        _, out, err = run('events', '-o', 'json', '--replay', everything, '--where', where,
                          '--fields', FIELDS)
        want = rows(objects(out), pids)
        ok(rows(got, pids) == want and want and 'lost' not in w.said,
           '%d events: %s' % (len(want), re.sub(r'/tmp/\S*', '...', where)[:70]),
           len(rows(got, pids)), [x for x in want if x not in rows(got, pids)][:3], w.said, err.decode())


def held_back():
    rules = DIR + '/rules.yaml'
    with open(rules, 'w') as f:
        f.write('- rule: one\n  desc: d\n  priority: INFO\n  output: o\n  condition: >\n'
                '    evt.kind=open and fd.directory = "%s/secret" and not fd.name endswith .ok\n' % TOP)

    def work():
        os.chdir(TOP + '/a')
        for i in range(OPENS // 4):
            for path in ('x', '../passwd', TOP + '/a/b/x', './b/../../root/etc/passwd'):
                opened(path)
        opened('../secret/found')

    w = Watch('--rules', rules, command=('detect',))
    child(work)
    _, out, err = w.stop()
    judged = re.search(rb'(\d+) events judged, (\d+) alerts', err)
    eq(out.count(b'\n'), 1, 'the one path a rule looks for is found')
    ok(judged and int(judged[1]) < OPENS // 4, 'and %d others stay in the kernel' % OPENS, err.decode())


os.mkdir(TOP)
at_end(shutil.rmtree, TOP, True)
tree()
same()
held_back()
done()
