"""Facts of executables and containers, from the first event on."""
import json
import os
import shutil
import subprocess
import sys

import runc
from e2e import DIR, Watch, at_end, capable, child, done, eq, objects, of, ok, run, skip, spawn, start

why = capable()
if why:
    print('1..0 # SKIP ' + why)
    sys.exit(0)

BUSYBOX = '/bin/busybox'
EXE = ('proc.is_exe_upper_layer,proc.is_exe_lower_layer,proc.is_exe_from_memfd,'
       'proc.is_exe_writable,proc.exe_ino,proc.exe_ino.ctime,proc.exe_ino.mtime,proc.exepath')
WHO = 'proc.pid,proc.name,proc.cmdline,proc.duration,proc.exe_ino.ctime_duration_proc_start'


def overlay():
    """A mounted overlay with `lower` in its image and `upper` written later; None: not possible."""
    top = DIR + '/overlay'
    for d in ('l', 'u', 'w', 'm'):
        os.makedirs(top + '/' + d)
    shutil.copy('/bin/true', top + '/l/lower')
    # On a file system of its own: overlays on overlays may be refused.
    mounted = subprocess.run(['mount', '-t', 'overlay', 'overlay', '-o', 'lowerdir=%s/l,upperdir=%s/u,workdir=%s/w'
                              % (top, top, top), top + '/m'], capture_output=True)
    if mounted.returncode:
        return None
    at_end(subprocess.run, ['umount', '-l', top + '/m'])
    shutil.copy('/bin/true', top + '/m/upper')
    return top + '/m'


def memfd_exec():
    fd = os.memfd_create('hidden')
    with open('/bin/true', 'rb') as f:
        os.write(fd, f.read())
    os.execve(fd, ['hidden'], {})


def drop(path):
    def f():
        os.setgid(65534)
        os.setuid(65534)
        os.execv(path, [path])
    return f


def files():
    os.chmod(DIR, 0o755)
    mine, others = DIR + '/mine', DIR + '/others'
    for p in (mine, others):
        shutil.copy('/bin/true', p)
        os.chmod(p, 0o755)
    os.chown(mine, 65534, 65534)
    top = overlay()
    w = Watch('--kind', 'exec', '--fields', EXE + ',' + WHO)
    pids = {'memfd': child(memfd_exec), 'mine': child(drop(mine)), 'others': child(drop(others)),
            'root': spawn(others)}
    if top:
        pids['upper'], pids['lower'] = spawn(top + '/upper'), spawn(top + '/lower')
    events = w.events(settle=0.3)
    got = {k: (of(events, **{'proc.pid': p}) or [{}])[-1] for k, p in pids.items()}
    flags = ('proc.is_exe_from_memfd', 'proc.is_exe_upper_layer', 'proc.is_exe_lower_layer',
             'proc.is_exe_writable')
    if subprocess.run(['stat', '-fc', '%T', DIR], capture_output=True).stdout == b'overlayfs\n':
        flags = (flags[0], flags[3])    # this machine's own files are in one
        want = {'memfd': (True, True), 'mine': (False, True), 'others': (False, False), 'root': (False, True)}
    else:
        want = {'memfd': (True, False, False, True), 'mine': (False, False, False, True),
                'others': (False, False, False, False), 'root': (False, False, False, True)}
    if top and len(flags) == 4:
        want.update(upper=(False, True, False, True), lower=(False, False, True, True))
    else:
        skip('overlay', 'no overlay file system can be mounted here')
    for k, v in want.items():
        eq(tuple(got[k].get(f) for f in flags), v, k + ': memory, upper and lower layer, writable')
    st = os.stat(mine)
    eq([got['mine'].get('proc.exe_ino' + f) for f in ('', '.ctime', '.mtime')],
       [st.st_ino, st.st_ctime_ns, st.st_mtime_ns], 'inode, change and modification, to the nanosecond')
    ok(0 < got['mine'].get('proc.exe_ino.ctime_duration_proc_start', 0) < 60e9,
       'how old the change was', got['mine'])


def seeded():
    """The same of a program that was there before."""
    path = DIR + '/older'
    shutil.copy(BUSYBOX if os.path.exists(BUSYBOX) else '/bin/sleep', path)
    p = start(['sleep', '30'], executable=path)
    w = Watch('--kind', 'exit', '--where', 'proc.pid=%d' % p.pid, '--fields', EXE)
    p.kill()
    p.wait()
    row = (w.events(settle=0.3) or [{}])[0]
    st = os.stat(path)
    eq([row.get('proc.exe_ino'), row.get('proc.exe_ino.mtime'), row.get('proc.is_exe_from_memfd')],
       [st.st_ino, st.st_mtime_ns, False], 'a program older than porthole: inode and times')


def sessions():
    w = Watch('--kind', 'exec', '--fields',
              'proc.pid,proc.cmdline,proc.sname,proc.sid.exe,proc.is_sid_leader,proc.is_vpgid_leader,'
              'proc.vpgid,proc.vpid,user.name,user.homedir,group.name,proc.cmdnargs,proc.cmdlenargs,'
              'proc.pvpid,proc.ppid.duration')
    leader = spawn('/bin/sh', '-c', '/bin/ls one two; exit 0', start_new_session=True)
    events = w.events(settle=0.3)
    sh = (of(events, **{'proc.pid': leader}) or [{}])[0]
    ls = [e for e in events if e.get('proc.cmdline') == 'ls one two']
    eq([(e.get('proc.sname'), e.get('proc.sid.exe'), e.get('proc.is_sid_leader'), e.get('proc.cmdnargs'),
         e.get('proc.cmdlenargs')) for e in ls], [('sh', '/bin/sh', False, 2, 6)], 'a session\'s member')
    eq((sh.get('proc.is_sid_leader'), sh.get('proc.is_vpgid_leader'), sh.get('proc.vpgid')),
       (True, True, sh.get('proc.vpid')), 'its leader')
    eq((sh.get('user.name'), sh.get('user.homedir'), sh.get('group.name')), ('root', '/root', 'root'),
       'names of user and group')


BUNDLES = '/run/containerd/io.containerd.runtime.v2.task/k8s.io'


def bundle(c, privileged, args):
    """What a runtime under a kubelet writes, as far as it is looked at."""
    b = runc._bundle(c.id[:12], args, c.cgroup)
    with open(b + '/config.json') as f:
        spec = json.load(f)
    spec['annotations'] = {'io.kubernetes.cri.image-name': 'registry.local:5000/shop/web:1.25',
                           'io.kubernetes.cri.container-name': 'web'}
    spec['mounts'].append({'type': 'bind', 'source': '/etc', 'destination': '/host/etc',
                           'options': ['rbind', 'ro', 'rslave']})
    if 'sleep' in args[0]:
        spec['process']['user'] = {'uid': 33, 'gid': 34}
        with open(runc.ROOTFS + '/etc/passwd', 'a') as f:
            f.write('shopper:x:33:34::/srv:/bin/sh\n')
        with open(runc.ROOTFS + '/etc/group', 'a') as f:
            f.write('shop:x:34:\n')
    if privileged:
        caps = ['CAP_SYS_ADMIN', 'CAP_SYS_MODULE', 'CAP_SYS_RAWIO', 'CAP_NET_ADMIN']
        spec['process']['capabilities'] = {k: caps for k in ('bounding', 'effective', 'permitted')}
        spec['linux'].update(maskedPaths=[], readonlyPaths=[],
                             resources={'devices': [{'allow': True, 'access': 'rwm'}]})
    os.makedirs(runc.ROOTFS + '/host/etc', exist_ok=True)
    with open(b + '/config.json', 'w') as f:
        json.dump(spec, f)
    return b


def containers(cgroup):
    """(what, container, privileged, bundle): containerd's, that end at once; runc's own, in 0.1 s."""
    made = []
    for i in range(4):
        c = runc.Container(cgroup)
        if i < 2:
            b = bundle(c, i % 2 == 0, ['/bin/true'])
            os.makedirs(BUNDLES + '/' + c.id)
            at_end(shutil.rmtree, BUNDLES + '/' + c.id)
            shutil.copy(b + '/config.json', BUNDLES + '/' + c.id)
        else:
            b = bundle(c, i % 2 == 0, ['/bin/sleep', '0.1'])
        what = '%s, %s' % ('containerd' if i < 2 else 'runc', 'privileged' if i % 2 == 0 else 'not so')
        made.append((what, c, i % 2 == 0, b))
    return made


def moments():
    """Containers that live for a moment: their first program is judged by what they are."""
    if runc.missing():
        skip('containers', runc.missing())
        return
    made = containers(runc.kubepods_cgroupfs(runc.new_uid()))
    fields = ('proc.cmdline,proc.vpid,container.full_id,container.privileged,container.image.repository,'
              'container.image.tag,container.name,container.mounts,container.start_ts,container.duration,'
              'user.name,user.homedir,group.name,user.loginname,proc.name')
    first = 'proc.name in (true, sleep) and container.id!=host and proc.vpid=1'
    every = Watch('--kind', 'exec', '--where', first, '--fields', fields)
    asked = Watch('--kind', 'exec', '--where', 'container.privileged=true and ' + first + ' and '
                  'container.image.repository=registry.local:5000/shop/web and '
                  'container.mount.dest[/etc] startswith /host', '--format', '%container.full_id '
                  '%container.mount.dest[/etc] %container.mount.rdwr[/et*] %container.mount[0] '
                  '%container.mount.source[/host/*] %container.mount.dest[/none]', command=('events',))
    for what, c, privileged, b in made:
        p = subprocess.run(['runc', 'run', '-b', b, c.id], stdin=subprocess.DEVNULL, capture_output=True,
                           timeout=60)
        if p.returncode:
            print('# ' + p.stderr.decode()[:200])
    ids = {c.id for what, c, privileged, b in made}
    events = [e for e in every.events(settle=0.3) if e['container.full_id'] in ids]
    asked = [l.split(' ', 1) for l in asked.stop(settle=0)[1].decode().split('\n') if l[:64] in ids]
    for what, c, privileged, b in made:
        e = (of(events, **{'container.full_id': c.id}) or [{}])[0]
        eq([e.get('container.' + k) for k in ('privileged', 'image.repository', 'image.tag', 'name')],
           [privileged, 'registry.local:5000/shop/web', '1.25', 'web'], what + ': known at its first program')
    mount = '/etc:/host/etc::false:rslave'
    eq([e.get('container.mounts') for e in events], [mount] * 4, 'their mounts')
    eq([l[1] for l in asked], ['/host/etc false %s /etc <NA>' % mount] * 2, 'mounts one by one')
    eq({(e.get('user.name'), e.get('user.homedir'), e.get('group.name')) for e in events
        if e['proc.name'] == 'sleep'}, {('shopper', '/srv', 'shop')},
       'names of users and groups as the container has them')
    ok(events and all(0 <= e.get('container.duration', -1) < 5e9 for e in events), 'their age', events[:1])
    eq(sorted(l[0] for l in asked), sorted(c.id for w, c, p, b in made if p),
       'a condition on privileges, image and mount finds those, and no other')


for test in (files, seeded, sessions, moments):
    if len(sys.argv) < 2 or test.__name__ in sys.argv[1:]:
        test()
done()
