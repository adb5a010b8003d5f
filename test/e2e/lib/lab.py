"""Containers for the attack test: a small Debian below an overlay, as container runtimes make them.

Each Box is a runc container with its own writable layer, in the test's network namespace, with a
service account's token. The overlay is mounted in a mount namespace of its own, which lives on in the
container alone: nothing stays mounted on the machine, however the test ends.
"""
import json
import os
import pty
import shutil
import subprocess
import sys
import time

import runc
from e2e import DIR, PORTHOLE, at_end, start

HERE = os.path.dirname(os.path.abspath(__file__))
ATTACK = os.path.realpath(HERE + '/../../attack')
NETNS = 'porthole-lab-%d' % os.getpid()
# One address outside, one of each service that attackers ask first, one of a service of the cluster.
ADDRESSES = ('203.0.113.7', '169.254.169.254', '10.96.0.1', '10.96.172.185')
PORTS = (80, 443, 3333, 4444)
# What docker and containerd leave a container.
CAPS = ('CHOWN', 'DAC_OVERRIDE', 'FSETID', 'FOWNER', 'MKNOD', 'NET_RAW', 'SETGID', 'SETUID', 'SETFCAP',
        'SETPCAP', 'NET_BIND_SERVICE', 'SYS_CHROOT', 'KILL', 'AUDIT_WRITE')
BUNDLES = '/run/containerd/io.containerd.runtime.v2.task/k8s.io'
PEER = '''
import socket, sys, threading
def serve(s):
    while True:
        c, _ = s.accept()
        c.settimeout(2)
        try:
            c.recv(4096)
            c.sendall(b"HTTP/1.0 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
        except OSError:
            pass
        c.close()
for port in map(int, sys.argv[1:]):
    s = socket.create_server(("0.0.0.0", port))
    threading.Thread(target=serve, args=(s,)).start()
print("ready", flush=True)
'''


def missing():
    """Why there is no lab here, or None."""
    for tool in ('ip', 'unshare', os.environ.get('CC', 'cc').split()[-1], 'dpkg-query', 'openssl'):
        if not shutil.which(tool):
            return tool + ' is not installed'
    with open('/proc/filesystems') as f:
        if '\toverlay\n' not in f.read():
            return 'the kernel has no overlayfs'
    return runc.missing()


def image():
    """The image's root, made when it is not there. -> its folder"""
    base = os.path.dirname(os.path.realpath(PORTHOLE)) + '/attack'
    p = subprocess.run([ATTACK + '/image.sh', base], capture_output=True, text=True, timeout=120)
    if p.returncode:
        raise RuntimeError('image.sh: ' + p.stderr[-2000:])
    return p.stdout.strip()


def network():
    """The namespace that all boxes share, with somebody listening."""
    subprocess.run(['ip', 'netns', 'add', NETNS], check=True)
    at_end(subprocess.run, ['ip', 'netns', 'del', NETNS])
    subprocess.run(['ip', '-n', NETNS, 'link', 'set', 'lo', 'up'], check=True)
    for a in ADDRESSES:
        subprocess.run(['ip', '-n', NETNS, 'addr', 'add', a + '/32', 'dev', 'lo'], check=True)
    p = start(['ip', 'netns', 'exec', NETNS, sys.executable, '-S', '-c', PEER, *map(str, PORTS)],
              stdout=subprocess.PIPE)
    if p.stdout.readline() != b'ready\n':
        raise RuntimeError('nobody listens in ' + NETNS)


def _all_caps():
    with open('/proc/self/status') as f:
        bits = next(int(line.split()[1], 16) for line in f if line.startswith('CapBnd'))
    p = subprocess.run(['capsh', '--decode=%x' % bits], capture_output=True, text=True)
    return [c.strip().upper() for c in p.stdout.split('=', 1)[1].split(',')]


def _folders_remove(path):
    """Empty ones, up to /run."""
    try:
        while path != '/run':
            os.rmdir(path)
            path = os.path.dirname(path)
    except OSError:
        pass


class Box(runc.Container):
    def __init__(self, name, image, cgroup, caps=(), privileged=False):
        """@caps: beyond the usual ones."""
        super().__init__(cgroup)
        self.dir = '%s/box-%s' % (DIR, name)
        self.name, self.pod, self.bundle = name, None, self.dir
        self.caps = ['CAP_' + x for x in (*CAPS, *caps)]
        self.privileged = privileged
        for d in ('', '/upper', '/work', '/root', '/token'):
            os.mkdir(self.dir + d)
        with open(self.dir + '/token/token', 'w') as f:
            f.write('not a token')
        self.lower = image
        self._spec()

    def _spec(self):
        subprocess.run(['runc', 'spec', '-b', self.dir], check=True)
        with open(self.dir + '/config.json') as f:
            c = json.load(f)
        p, linux = c['process'], c['linux']
        p.update(terminal=False, args=['sleep', '300'], noNewPrivileges=False)
        p['env'] = ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin', 'HOME=/root']
        p.pop('rlimits', None)      # needs a capability that not every machine gives
        caps = _all_caps() if self.privileged else self.caps
        p['capabilities'] = {k: caps for k in ('bounding', 'effective', 'permitted')}
        c['root'] = {'path': self.dir + '/root', 'readonly': False}
        for m in c['mounts']:       # as when a pod has a memory volume there
            if m['destination'] == '/dev/shm':
                m['options'].remove('noexec')
        for to, source in (('/attack', ATTACK),
                           ('/run/secrets/kubernetes.io/serviceaccount', self.dir + '/token')):
            c['mounts'].append({'destination': to, 'type': 'bind', 'source': source,
                                'options': ['rbind', 'ro']})
        for n in linux['namespaces']:
            if n['type'] == 'network':
                n['path'] = '/run/netns/' + NETNS
        linux['cgroupsPath'] = self.cgroup
        linux.pop('resources', None)
        if self.privileged:
            linux.update(maskedPaths=[], readonlyPaths=[],
                         resources={'devices': [{'allow': True, 'access': 'rwm'}]})
        with open(self.dir + '/config.json', 'w') as f:
            json.dump(c, f)

    def of_pod(self, ns, pod, container, picture):
        """The kubelet's and containerd's part: it belongs to a pod, and its bundle says so."""
        self.pod, self.bundle = (ns, pod), '%s/%s' % (BUNDLES, self.id)
        with open(self.dir + '/config.json') as f:
            c = json.load(f)
        c['annotations'] = {'io.kubernetes.cri.container-type': 'container',
                            'io.kubernetes.cri.container-name': container,
                            'io.kubernetes.cri.image-name': picture,
                            'io.kubernetes.cri.sandbox-name': pod,
                            'io.kubernetes.cri.sandbox-namespace': ns}
        with open(self.dir + '/config.json', 'w') as f:
            json.dump(c, f)

    def _bundle_make(self):
        """Where containerd has it, a moment before the start."""
        if self.bundle != self.dir:
            at_end(_folders_remove, BUNDLES)
            at_end(shutil.rmtree, self.bundle)
            os.makedirs(self.bundle)
            shutil.copy(self.dir + '/config.json', self.bundle)

    def up(self):
        self._bundle_make()
        overlay = 'mount -t overlay -o lowerdir=%s,upperdir=%s/upper,workdir=%s/work box %s/root' % (
            self.lower, self.dir, self.dir, self.dir)
        with open(os.devnull, 'r+b') as null, open(self.dir + '/log', 'wb') as log:
            p = subprocess.run(['unshare', '-m', '--propagation', 'private', 'sh', '-c',
                                overlay + ' && exec runc --root %s run -d --pid-file %s/pid -b %s %s'
                                % (runc.STATE, self.dir, self.bundle, self.id)],
                               stdin=null, stdout=null, stderr=log, timeout=60)
        if p.returncode:
            with open(self.dir + '/log') as f:
                raise RuntimeError('box %s: %s' % (self.dir, f.read()))
        self._wait_program()

    def _wait_program(self):
        """runc does not wait until its own stage has become the container's program."""
        with open(self.dir + '/pid') as f:
            comm = '/proc/%s/comm' % f.read()
        for i in range(200):
            with open(comm) as f:
                if f.read() == 'sleep\n':
                    return
            time.sleep(0.02)

    def exec(self, *args):
        """Runs a program in it, its input empty, its output a pipe that nobody looks at."""
        subprocess.run(['runc', '--root', runc.STATE, 'exec', self.id, *args], stdin=subprocess.DEVNULL,
                       capture_output=True, timeout=60)

    def terminal(self, *args):
        """Likewise on a terminal, as `kubectl exec -it` does."""
        pid, fd = pty.fork()
        if pid == 0:
            os.execvp('runc', ['runc', '--root', runc.STATE, 'exec', '-t', self.id, *args])
        try:
            while os.read(fd, 4096):
                pass
        except OSError:
            pass
        os.close(fd)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    def script(self, *args):
        """Runs a script of test/attack. -> its Actions"""
        with open(self.dir + '/said', 'wb') as said, open(self.dir + '/log', 'wb') as log:
            p = start(['runc', '--root', runc.STATE, 'exec', self.id, 'bash', '/attack/' + args[0],
                       *args[1:]], stdin=subprocess.PIPE, stdout=said, stderr=log)
            try:
                p.wait(90)
            finally:
                p.kill()
                p.stdin.close()
        with open(self.dir + '/said') as said:
            text = said.read()
        if p.returncode or not text.rstrip().split('\n')[-1].startswith('end\t'):
            with open(self.dir + '/log') as log:
                raise RuntimeError('%s ended early: %s' % (args, log.read()[-500:]))
        return read_actions(text, self)


class Action:
    def __init__(self, name, box, since):
        self.name, self.box, self.since, self.until = name, box, since, float('inf')
        self.want, self.ours = [], []       # (process, rule, text)
        self.lacks = self.status = None

    def mine(self, alerts):
        """Its box's alerts in its time."""
        return [a for a in alerts if self.since <= a['at'] < self.until and
                a['output_fields'].get('container.id') == (self.box.id[:12] if self.box else 'host')]


def read_actions(text, box):
    out, last = [], None
    for line in text.split('\n'):
        word = line.split('\t')
        if word[0] in ('action', 'end') and last:
            last.until, last.status = float(word[1]), int(word[-1])
        if word[0] == 'action':
            last = Action(word[2], box, float(word[1]))
            out.append(last)
        elif word[0] == 'skip':
            out.append(Action(word[1], box, float('inf')))
            out[-1].lacks = word[2]
        elif word[0] in ('want', 'ours'):
            (last.want if word[0] == 'want' else last.ours).append(tuple(word[1:]))
    return out


def by_hand(name, box, f, *args, want=(), ours=()):
    """An action from outside: f(*args). -> its Action"""
    a = Action(name, box, time.time())
    f(*args)
    time.sleep(0.05)
    a.until = time.time()
    a.want, a.ours = list(want), list(ours)
    return a
