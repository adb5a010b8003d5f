"""Who did it, for containers: identity from the first process on, and filters by it."""
import os
import subprocess
import sys
import time

import runc
from e2e import DIR, Watch, at_end, capable, child, done, eq, of, ok, run, spawn, start

why = capable() or runc.missing()
if why:
    print('1..0 # SKIP ' + why)
    sys.exit(0)

uid_a, uid_b = runc.new_uid(), runc.new_uid()
SHAPES = [
    # what, cgroup, pod UID, container.type
    ('kubelet, cgroupfs driver', runc.kubepods_cgroupfs(uid_a), uid_a, None),
    ('kubelet, systemd driver', runc.kubepods_systemd(uid_b), uid_b, 'containerd'),
    ('docker', runc.DOCKER, None, 'docker'),
    ('podman', runc.PODMAN, None, 'podman'),
]


def shapes():
    """Each in a new cgroup, which porthole first hears of when runc makes it."""
    made = [(what, runc.Container(cgroup), uid, kind) for what, cgroup, uid, kind in SHAPES]
    w = Watch('--kind', 'exec,open,exit', '--fields', 'evt.kind,proc.name,proc.cmdline,proc.pid,'
              'proc.vpid,proc.pname,fd.name,container.id,container.full_id,container.type,k8s.pod.uid,'
              'thread.cgroup,evt.res')
    for what, c, uid, kind in made:
        c.run('/bin/sh', '-c', 'cat /etc/passwd >/dev/null; /bin/true mark-' + c.id[:8])
    events = w.events(settle=0.4)
    eq(w.said, '', 'nothing lost')
    for what, c, uid, kind in made:
        mine = [e for e in events if e.get('container.full_id') == c.id]
        # runc's own stage may still be moved in before it becomes the container's program
        first = [e for e in mine if e['evt.kind'] == 'exec' and e['evt.res'] == 'SUCCESS' and e['proc.name'] != 'runc']
        ok(first and first[0]['proc.name'] == 'sh' and first[0]['proc.vpid'] == 1 and
           first[0]['container.id'] == c.id[:12], what + ': its first program has container.id', first)
        eq([e.get('proc.cmdline') for e in first if 'mark-' in e.get('proc.cmdline', '')][-1:],
           ['true mark-' + c.id[:8]], what + ': and its last')
        eq({e.get('k8s.pod.uid') for e in mine}, {uid}, what + ': k8s.pod.uid')
        ok(kind is None or {e.get('container.type') for e in mine} == {kind}, what + ': container.type',
           {e.get('container.type') for e in mine})
        ok([e for e in mine if e['evt.kind'] == 'open' and e.get('fd.name') == '/etc/passwd'],
           what + ': a file is named as the container sees it')
        marked = [e for e in events if 'mark-' + c.id[:8] in e.get('proc.cmdline', '') and
                  e['proc.name'] in ('sh', 'true')]
        eq({e.get('container.full_id') for e in marked}, {c.id}, what + ': all its processes, no other\'s')
        c.delete()
    outside = [e for e in events if e.get('proc.name') == 'python3']
    eq({e.get('container.id') for e in outside} - {'host'}, set(), 'the host is "host"')


def filters():
    """Filters by container and pod for containers that come and go, with and without push-down."""
    a, b = runc.Container(runc.kubepods_cgroupfs(uid_a)), runc.Container(runc.kubepods_systemd(uid_b))
    asked = [('--container', a.id[:12]), ('--container', b.id),
             ('--where', 'k8s.pod.uid=%s' % uid_b), ('--where', 'container.id=%s' % a.id[:12]),
             ('--where', 'container.id!=host')]
    want = [a, b, b, a, None]
    kinds = ('--kind', 'exec,open', '--fields',
             'evt.kind,proc.pid,fd.name,proc.cmdline,container.full_id,evt.res')
    pairs = [(Watch(*kinds, *q, wait=False),
              Watch(*kinds, *q, env={'PORTHOLE_PUSHDOWN': '0'}, wait=False)) for q in asked]
    for on, off in pairs:
        on.ready()
        off.ready()
    for c, n in ((a, 1), (b, 2), (a, 3), (b, 4)):
        c.run('/bin/sh', '-c', 'cat /etc/passwd >/dev/null; /bin/true round-%d' % n)
        c.delete()
        runc.cgroup_remove(c.cgroup)
        child(lambda: open('/etc/passwd').close())
    for q, c, (on, off) in zip(asked, want, pairs):
        def key(w):
            return sorted(str(sorted(e.items())) for e in w.events(settle=0.3)
                          if e.get('container.full_id') in (a.id, b.id) or c)
        x, y = key(on), key(off)
        ok(x == y and len(x) > 4, ' '.join(q)[:40] + ': the same with push-down and without',
           len(x), len(y), [i for i in x if i not in y][:2], [i for i in y if i not in x][:2])
        if c:
            rounds = (1, 3) if c is a else (2, 4)
            ok(all(c.id in i for i in x) and all(any('round-%d' % n in i for i in x) for n in rounds),
               ' '.join(q)[:40] + ': all its rounds, and nothing else', x[:3])


def before():
    """A container older than porthole; two of one pod; ps."""
    c = [runc.Container(runc.kubepods_cgroupfs(uid_a)) for _ in range(2)]
    pids = [x.start('/bin/sh', '-c', 'while :; do cat /etc/passwd >/dev/null; sleep 0.2; done')
            for x in c]
    w = Watch('--kind', 'open', '--container', c[0].id[:12])
    events = w.events(settle=0.6)
    ok(events and {e['container.id'] for e in events} == {c[0].id[:12]} and
       {e.get('k8s.pod.uid') for e in events} == {uid_a} and {'sh', 'cat'} >= {e['proc.name'] for e in events},
       'a container older than porthole, not its neighbour in the pod', events[:2])
    status, out, err = run('ps', '-o', 'json', '--where', 'k8s.pod.uid=%s' % uid_a)
    from e2e import objects
    rows = [e for e in objects(out) if e['proc.vpid'] == 1]
    eq(sorted((e['proc.pid'], e['container.id'], e['proc.name']) for e in rows),
       sorted((p, x.id[:12], 'sh') for p, x in zip(pids, c)), 'ps: both containers of the pod')
    status, out, err = run('ps', '--container', c[1].id)
    lines = out.decode().split('\n')
    ok(status == 0 and any(l.split()[:1] == [str(pids[1])] and c[1].id[:12] in l and uid_a in l
                           for l in lines) and c[0].id[:12] not in out.decode(),
       'ps --container: its processes, container and pod in columns', out.decode())
    for x in c:
        x.delete()


def unit():
    """A systemd unit's cgroup, made by hand; a process that moves into it while porthole looks on."""
    path = '/system.slice/porthole-e2e.service'
    base = next((d for d in ('/sys/fs/cgroup/pids', '/sys/fs/cgroup') if os.path.isdir(d)), None)
    if os.path.exists('/sys/fs/cgroup/cgroup.procs'):
        base = '/sys/fs/cgroup'
    w = Watch('--kind', 'open,cgroup', '--fields',
              'evt.type,fd.name,systemd.unit,container.id,thread.cgroup,cgroup.path,cgroup.pid,proc.pid')
    at_end(runc.cgroup_remove, path)
    os.makedirs(base + path, exist_ok=True)

    def inside():
        with open(base + path + '/cgroup.procs', 'w') as f:
            f.write(str(os.getpid()))
        open('/etc/passwd').close()
    pid = child(inside)
    runc.cgroup_remove(path)
    events = w.events(settle=0.3)
    e = of(events, proc_pid=pid, fd_name='/etc/passwd')
    eq([(x.get('systemd.unit'), x.get('container.id'), x.get('thread.cgroup')) for x in e],
       [('porthole-e2e.service', 'host', path)], 'a systemd unit')
    types = [(x['evt.type'], x.get('cgroup.pid')) for x in events if x.get('cgroup.path') == path]
    eq(types, [('cgroup_mkdir', None), ('cgroup_attach', pid), ('cgroup_rmdir', None)],
       'its cgroup\'s life as events')


for test in (shapes, filters, before, unit):
    if len(sys.argv) < 2 or test.__name__ in sys.argv[1:]:
        test()
done()
