"""porthole events, live: arguments, paths, results, selection, output forms, push-down, storms."""
import ctypes
import errno
import os
import re
import signal
import sys
import time

from e2e import DIR, PORTHOLE, Watch, capable, child, done, eq, objects, of, ok, run, spawn

why = capable()
if why:
    print('1..0 # SKIP ' + why)
    sys.exit(0)

os.chdir(DIR)
TRUE = '/bin/true'


def missing(path, **kw):
    try:
        return os.open(path, os.O_RDONLY, **kw)
    except OSError as e:
        return -e.errno


def exec_arguments():
    w = Watch('--kind', 'exec,exit')
    sizes = {n: spawn(TRUE, 'first', 'x' * n, 'last') for n in (10, 2000, 15000, 20000)}
    many = spawn(TRUE, *[str(i) for i in range(3000)])
    empty = spawn(TRUE, '', 'a b', '')
    failed = child(lambda: missing_exec('/no/such/program'))
    events = w.events()
    eq(w.said, '', 'exec: nothing lost')
    for n, pid in sizes.items():
        e = of(events, evt_kind='exec', proc_pid=pid)
        if not eq(len(e), 1, 'exec: %d bytes of arguments: one event' % n):
            continue
        line, cut = e[0]['proc.cmdline'], n > 16384
        eq(e[0].get('proc.args_cut', False), cut, 'exec: %d bytes of arguments: cut or not' % n)
        # Falco's proc.cmdline, joined, is cut at 4096 by itself; proc.exeline has what was kept.
        ok(line.startswith('true first xxx'), 'exec: %d bytes of arguments: command line' % n,
           line[:100])
    e = of(events, evt_kind='exec', proc_pid=many)
    ok(len(e) == 1 and e[0]['proc.cmdline'].startswith('true 0 1 2 3 4 5 '), 'exec: 3000 arguments',
       e)
    e = of(events, evt_kind='exec', proc_pid=empty)
    eq([x['proc.cmdline'] for x in e], ['true  a b '], 'exec: empty arguments keep their place')
    e = of(events, evt_kind='exec', proc_pid=failed)
    eq([(x['evt.res'], x.get('fd.name')) for x in e], [('ENOENT', '/no/such/program')],
       'exec: a failed one tells what and why')
    e = of(events, evt_kind='exit', proc_pid=sizes[10])
    eq([(x.get('exit.code'), x.get('proc.name')) for x in e], [(0, 'true')], 'exit: status and name')


def missing_exec(path):
    try:
        os.execv(path, [path])
    except OSError:
        pass


def exec_whole_arguments():
    w = Watch('--kind', 'exec', '--fields', 'proc.pid,proc.exeline,proc.args_cut')
    whole = spawn(TRUE, 'y' * 15000, 'end')
    cut = spawn(TRUE, 'z' * 20000, 'end')
    events = w.events()
    e = of(events, proc_pid=whole)
    eq([x['proc.exeline'] for x in e], ['%s %s end' % (TRUE, 'y' * 15000)],
       'exec: 15 kB of arguments are whole')
    e = of(events, proc_pid=cut)
    ok(len(e) == 1 and e[0].get('proc.args_cut') is True and
       len(e[0]['proc.exeline']) in range(16300, 16385), 'exec: 20 kB are cut at 16 KiB and marked',
       [len(x['proc.exeline']) for x in e])


def long_path(n):
    """A path of n bytes below DIR, of parts of 200."""
    path = DIR
    while len(path) + 201 < n:
        path += '/' + 'd' * 200
    return path + '/' + 'f' * (n - len(path) - 1)


def paths_work(d):
    os.mkdir(d + '/sub')
    os.chdir(d)
    dirfd = os.open('sub', os.O_RDONLY | os.O_DIRECTORY)
    missing('relative')
    missing('below', dir_fd=dirfd)
    missing('../up/./x//y', dir_fd=dirfd)
    missing('/etc/../etc/./passwd')
    missing('/../../no-root-above')
    missing('sub/../other')
    os.symlink('/etc/hostname', d + '/link')
    missing('link')
    missing('.')
    os.chdir('sub')
    missing('inside')
    os.chdir('..')
    for n in (300, 1000, 2000, 4095):
        missing(long_path(n))
    missing('/' + 'q' * 4095)   # with its NUL one more than the kernel takes


def paths():
    d = DIR + '/paths'
    os.mkdir(d)
    w = Watch('--kind', 'open', '--fields', 'fd.name,fd.nameraw,fd.cut,evt.res,proc.pid')
    pid = child(lambda: paths_work(d))
    raw = {}
    for e in of(w.events(), proc_pid=pid):
        raw.setdefault(e.get('fd.nameraw'), []).append(e)
    eq(w.said, '', 'paths: nothing lost')

    def name(given, want, what):
        eq([e.get('fd.name') for e in raw.get(given, [])], [want], 'paths: ' + what)

    name('relative', d + '/relative', 'relative to the working directory')
    name('below', d + '/sub/below', 'relative to a descriptor')
    name('../up/./x//y', d + '/up/x/y', '.., . and // are resolved')
    name('/etc/../etc/./passwd', '/etc/passwd', 'absolute ones too')
    name('/../../no-root-above', '/no-root-above', 'no .. above the root')
    name('sub/../other', d + '/other', '.. in the middle')
    name('link', d + '/link', 'a symbolic link is named as it was used')
    name('.', d, 'the directory itself')
    name('inside', d + '/sub/inside', 'after chdir')
    for n in (300, 1000, 2000, 4095):
        name(long_path(n), long_path(n), '%d bytes are whole' % n)
    longest = [e for e in raw.get('/' + 'q' * 4094, []) if e.get('fd.cut')] + \
              [e for e in raw.get('/' + 'q' * 4095, []) if e.get('fd.cut')]
    ok(len(longest) == 1 and longest[0]['evt.res'] == 'ENAMETOOLONG',
       'paths: one longer than the kernel takes is cut and marked',
       [(len(k or ''), [e.get('fd.cut') for e in v]) for k, v in raw.items()])


HOSTILE = [b'line\nfeed', b'esc\x1b[31mred\x1b]0;title\x07', b'bad\xff\xfe\x80utf8', b'cut\xe2\x82',
           b'tab\there', b'back\\slash', b'quote"quote', b'bell\x07', b'c1\xc2\x9b31m',
           b'bidi\xe2\x80\xaeexe', 'naïve-日本語-🦀'.encode(), b'\x01\x02\x7f', b' ', b'-n']


def hostile_work(d):
    for n in HOSTILE:
        missing(d.encode() + b'/' + n)


def hostile():
    d = DIR + '/hostile'
    os.mkdir(d)
    where = ('--kind', 'open', '--where', 'fd.name startswith "%s/"' % d)
    j, t = Watch(*where, wait=False), Watch(*where, command=('events',), wait=False)
    f = Watch(*where, '--format', '%proc.pid %fd.name', command=('events',), wait=False)
    for w in (j, t, f):
        w.ready()
    pid = child(lambda: hostile_work(d))
    status, out, err = j.stop()
    try:
        events = [e for e in objects(out) if e['proc.pid'] == pid]
        ok(True, 'hostile names: JSON is JSON, in UTF-8')
    except ValueError as e:
        ok(False, 'hostile names: JSON is JSON, in UTF-8', e)
        events = []
    eq(len(events), len(HOSTILE), 'hostile names: one object each')
    good = [n.decode() for n in HOSTILE if _utf8(n)]
    got = [os.path.basename(e['fd.name']) for e in events]
    eq([g for g in got if g in good], good, 'hostile names: what is UTF-8 comes back as it was')
    for what, w in (('text', t), ('--format', f)):
        status, out, err = w.stop()
        eq(out.count(b'\n'), len(HOSTILE), 'hostile names: %s: one line each' % what)
        eq([c for c in (0x1b, 7, 1, 0x7f, 9) if bytes([c]) in out.replace(b'\n', b'')], [],
           'hostile names: %s: no control characters' % what)
        ok(_utf8(out), 'hostile names: %s is UTF-8' % what)


def _utf8(b):
    try:
        b.decode('utf-8')
        return True
    except UnicodeDecodeError:
        return False


def comm_work():
    ctypes.CDLL(None).prctl(15, b'ev\nil\x1b[1m\xff', 0, 0, 0)
    missing(DIR + '/comm')


def hostile_comm():
    w = Watch('--kind', 'open', '--where', 'fd.name="%s/comm"' % DIR)
    t = Watch('--kind', 'open', '--where', 'fd.name="%s/comm"' % DIR, command=('events',))
    child(comm_work)
    e = w.events()
    ok(len(e) == 1 and e[0]['proc.name'].startswith('ev\nil\x1b[1m'), 'hostile command name: JSON', e)
    status, out, err = t.stop()
    ok(out.count(b'\n') == 1 and b'\x1b' not in out and b'ev\\nil\\x1b[1m\\xff[' in out,
       'hostile command name: text', out)


def results_work(d):
    os.mkdir(d + '/dir')
    os.close(os.open(d + '/file', os.O_CREAT | os.O_WRONLY, 0o600))
    for path, flags in ((d + '/none', os.O_RDONLY), (d + '/dir', os.O_WRONLY),
                        (d + '/file/x', os.O_RDONLY), (d + '/file', os.O_CREAT | os.O_EXCL)):
        try:
            os.open(path, flags)
        except OSError:
            pass
    os.rename(d + '/file', d + '/file2')
    os.link(d + '/file2', d + '/hard')
    os.chmod(d + '/file2', 0o644)
    os.unlink(d + '/hard')
    os.setgid(65534)
    os.setuid(65534)
    missing(d + '/file2/../secret')
    missing('/etc/shadow')


def results():
    d = DIR + '/results'
    os.mkdir(d)
    w = Watch('--kind', 'open,create,delete,rename,link,chmod,setid')
    pid = child(lambda: results_work(d))
    events = of(w.events(), proc_pid=pid)

    def result(kind, name, want, what):
        e = [x for x in events if x['evt.kind'] == kind and x.get('fd.name') == name]
        eq([x['evt.res'] for x in e], want, 'results: ' + what)
        return e

    result('open', d + '/none', ['ENOENT'], 'ENOENT')
    result('open', d + '/dir', ['EISDIR'], 'EISDIR')
    result('open', d + '/file/x', ['ENOTDIR'], 'ENOTDIR')
    result('open', d + '/file', ['SUCCESS', 'EEXIST'], 'SUCCESS, then EEXIST')
    e = result('open', '/etc/shadow', ['EACCES'], 'EACCES')
    eq([(x['user.uid'], x['evt.rawres']) for x in e], [(65534, -errno.EACCES)],
       'results: by the user it had become')
    result('create', d + '/dir', ['SUCCESS'], 'mkdir')
    result('rename', d + '/file', ['SUCCESS'], 'rename')
    result('chmod', d + '/file2', ['SUCCESS'], 'chmod')
    result('delete', d + '/hard', ['SUCCESS'], 'unlink')
    eq(sorted({x['evt.type'] for x in of(events, evt_kind='setid')}), ['setgid', 'setuid'],
       'results: setgid, setuid')


def tree_work(go):
    os.read(go, 1)
    missing(DIR + '/tree-0')

    def down(depth):
        missing(DIR + '/tree-%d' % depth)
        if depth < 3:
            child(lambda: down(depth + 1))
            os.system('cat %s/tree-sh-%d 2>/dev/null' % (DIR, depth))
    child(lambda: down(1))


def tree():
    r, w = os.pipe()
    old = os.fork()     # older than porthole, as is its child
    if old == 0:
        if os.fork() == 0:
            tree_work(r)
            os._exit(0)
        os.wait()
        os._exit(0)
    time.sleep(0.05)
    kinds = ('--kind', 'open', '--where', 'fd.name contains /tree-')
    all_of, one = Watch(*kinds, '--pid', str(old), '--tree'), Watch(*kinds, '--pid', str(old))
    os.write(w, b'x')
    os.waitpid(old, 0)
    child(lambda: missing(DIR + '/tree-other'))
    got = sorted(os.path.basename(e['fd.name']) for e in all_of.events())
    eq(got, ['tree-0', 'tree-1', 'tree-2', 'tree-3', 'tree-sh-1', 'tree-sh-2'],
       '--pid --tree: the descendants, also of those there before, and nobody else')
    eq(len(one.events()), 0, '--pid alone: not the descendants')


def forms():
    t = time.monotonic()
    status, out, err = run('events', '--kind', 'exec', '--for', '0.5s')
    took = time.monotonic() - t
    ok(status == 0 and 0.5 <= took < 5, '--for ends it', status, took)
    mark = DIR + '/mark'
    where = ('--kind', 'open', '--where', 'fd.name="%s"' % mark)
    n = Watch(*where, '-n', '3', wait=False)
    f = Watch(*where, '--fields', 'proc.name,fd.name,proc.pid,fd.sport', command=('events',), wait=False)
    g = Watch(*where, '--format', 'p=%proc.pid n=%fd.name r=%evt.res!', command=('events',), wait=False)
    for w in (n, f, g):
        w.ready()
    pid = child(lambda: [missing(mark) for _ in range(5)])
    events = n.events(sig=None)
    eq((n.status, len(events)), (0, 3), '-n 3 ends after three')
    lines = f.stop()[1].decode().split('\n')[:-1]
    eq([re.sub(r'^[^\t]*', 'x', x) for x in lines], ['x\t%s\t%d\t-' % (mark, pid)] * 5,
       '--fields: tab-separated, - for absent')
    lines = g.stop()[1].decode().split('\n')[:-1]
    eq(lines, ['p=%d n=%s r=ENOENT!' % (pid, mark)] * 5, '--format')
    w = Watch(*where)
    t = time.monotonic()
    status = w.stop(sig=signal.SIGINT)[0]
    ok(status == 0 and time.monotonic() - t < 1.5, 'SIGINT ends it within a second', status)


def usage():
    cases = [
        (['--where', 'proc.name ='], b'^'),
        (['--where', 'proc.nam=x'], b'proc.name'),
        (['--where', 'evt.time >'], b'^'),
        (['--where', '(proc.pid=1'], b'^'),
        (['--where', 'proc.pid=abc'], b'^'),
        (['--where', 'proc.name regex "("'], b'^'),
        (['--kind', 'exec,opn'], b'opn'),
        (['--fields', 'proc.name,fd.nam'], b'fd.name'),
        (['--format', '%proc.nme'], b'proc.name'),
        (['--tree'], b'--pid'),
        (['--pid', 'x'], b'--pid'),
        (['--for', 'soon'], b'--for'),
        (['--frobnicate'], b'--frobnicate'),
        (['operand'], b'operand'),
        (['-o', 'xml'], b'xml'),
    ]
    for args, said in cases:
        status, out, err = run('events', '--for', '1s', *args)
        ok(status == 2 and out == b'' and said in err and err.startswith(b'porthole: error: '),
           'usage: %s' % ' '.join(args), status, out, err.decode())
    status, out, err = run('events', '--replay', DIR + '/none')
    ok(status == 1 and out == b'' and b'none' in err, 'a capture that is not there', status, err)


STORM = 'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do ' \
        'for j in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do /bin/true storm-$i-$j; done; done'


def brief(path, n):
    """n processes that open one file each and are gone within a millisecond."""
    pids = []
    for i in range(n):
        pid = os.fork()
        if pid == 0:
            missing('%s/brief-%d' % (path, i))
            os._exit(0)
        pids.append(pid)
        os.waitpid(pid, 0)
    return pids


def storm():
    w = Watch('--kind', 'exec,exit,open', '--where',
              'proc.cmdline contains storm or fd.name contains /brief-')
    shells = [os.spawnv(os.P_NOWAIT, '/bin/sh', ['sh', '-c', STORM]) for _ in range(2)]
    pids = brief(DIR, 400)
    for s in shells:
        os.waitpid(s, 0)
    events = w.events(settle=0.5)
    eq(w.said, '', 'storm: nothing lost')
    execs = [e for e in events if e['evt.kind'] == 'exec' and e.get('proc.name') == 'true']
    exits = [e for e in events if e['evt.kind'] == 'exit' and e.get('proc.name') == 'true']
    eq((len(execs), len(exits)), (600, 600), 'storm: every exec and exit')
    whole = [e for e in execs + exits
             if re.fullmatch(r'true storm-\d+-\d+', e.get('proc.cmdline', '')) and
             e.get('proc.exepath', '').endswith('/true') and e.get('proc.ppid') in shells and
             e.get('proc.pname') == 'sh' and 'user.name' in e and 'container.id' in e and
             'proc.cwd' in e]
    eq(len(whole), 1200, 'storm: all fully named')
    opens = [e for e in events if e['evt.kind'] == 'open' and '/brief-' in e.get('fd.name', '')]
    eq([e['proc.pid'] for e in opens], pids, 'a millisecond: every one of 400 processes, in order')
    me = os.getpid()
    eq(len([e for e in opens if e.get('proc.ppid') == me and e.get('proc.cmdline') and
            e.get('proc.exepath') and e.get('container.id')]), 400, 'a millisecond: all fully named')


def same(e):
    return (e['proc.pid'], e['thread.tid'], e['evt.type'], e.get('fd.name'), e['evt.res'],
            e.get('proc.name'), e.get('user.uid'), e.get('container.id'))


def push_work(d):
    os.mkdir(d + '/a')
    for i in range(50):
        missing('%s/a/%d' % (d, i))
        missing('%s/b/%d' % (d, i))
        missing('/etc/porthole-none-%d' % i)
        missing('/etc/../etc/passwd')
        os.chdir('/etc')
        missing('passwd')
        os.chdir(d)
        missing('a/rel-%d' % i)
    spawn('/bin/cat', d + '/a/cat')
    spawn('/bin/sh', '-c', 'cat %s/a/sh; : <%s/b/sh' % (d, d))
    child(lambda: (os.setuid(65534), missing(d + '/a/uid'), missing('/etc/uid')))


def pushdown():
    d = DIR + '/push'
    os.mkdir(d, 0o755)
    os.chmod(DIR, 0o755)
    filters = [
        'fd.name startswith %s/a/' % d,
        'fd.name = /etc/passwd',
        'fd.name in (/etc/passwd, %s/a/1)' % d,
        'proc.name = cat',
        'proc.name in (cat, sh) and fd.name startswith %s/' % d,
        'user.uid = 65534',
        'container.id = host and fd.name startswith %s/b' % d,
        'not (fd.name startswith /etc/) and proc.name != cat',
        'fd.name startswith /etc/ or proc.name = cat',
    ]
    watches = []
    for f in filters:
        args = ('--kind', 'open', '--where', f)
        watches.append((f, Watch(*args, wait=False),
                        Watch(*args, env={'PORTHOLE_PUSHDOWN': '0'}, wait=False)))
    for f, on, off in watches:
        on.ready()
        off.ready()
    before = time.time_ns()
    first = child(lambda: push_work(d))
    for f, on, off in watches:
        # Others work on this machine too: only what the workload did counts.
        def mine(w):
            return sorted(map(str, {same(e) for e in w.events() if e['evt.time'] >= before and
                                    e['proc.name'] != 'porthole' and
                                    e['proc.pid'] >= first and
                                    ('/passwd' in e.get('fd.name', '') or
                                     'porthole-none' in e.get('fd.name', '') or
                                     e.get('fd.name', '').startswith((DIR, '/etc/uid')))}))
        a, b = mine(on), mine(off)
        ok(a == b and len(a) > 0, 'push-down changes nothing: ' + f, '%d, %d events' % (len(a), len(b)),
           'only with:    %s' % [x for x in a if x not in b][:3],
           'only without: %s' % [x for x in b if x not in a][:3])


for test in (exec_arguments, exec_whole_arguments, paths, hostile, hostile_comm, results, tree, forms,
             usage, storm, pushdown):
    if len(sys.argv) < 2 or test.__name__ in sys.argv[1:]:
        test()
done()
