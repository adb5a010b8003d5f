"""Containers made with runc, in cgroups of any shape. All are gone at exit, their cgroups too."""
import glob
import json
import os
import shutil
import subprocess
import time

from e2e import DIR, at_end

BUSYBOX = '/bin/busybox'
STATE = DIR + '/runc'
ROOTFS = DIR + '/rootfs'
APPLETS = ('sh', 'cat', 'sleep', 'true', 'ls', 'echo')
HEX = '0123456789abcdef'


def missing():
    """Why there are no containers here, or None."""
    if not shutil.which('runc'):
        return 'runc is not installed'
    if not os.path.exists(BUSYBOX):
        return 'busybox is not installed'
    p = subprocess.run([BUSYBOX, 'true'], capture_output=True)
    if p.returncode or b'dynamically' in subprocess.run(['file', BUSYBOX],
                                                         capture_output=True).stdout:
        return 'busybox is not the static one'
    return None


def new_id():
    return os.urandom(32).hex()


def new_uid():
    h = os.urandom(16).hex()
    return '-'.join((h[:8], h[8:12], h[12:16], h[16:20], h[20:]))


def _rootfs():
    if os.path.isdir(ROOTFS):
        return
    for d in ('bin', 'etc', 'proc', 'sys', 'dev', 'tmp'):
        os.makedirs(ROOTFS + '/' + d)
    shutil.copy(BUSYBOX, ROOTFS + '/bin/busybox')
    for a in APPLETS:
        os.symlink('busybox', ROOTFS + '/bin/' + a)
    with open(ROOTFS + '/etc/passwd', 'w') as f:
        f.write('root:x:0:0:root:/:/bin/sh\n')


def _bundle(name, args, cgroup, edit=None):
    _rootfs()
    b = '%s/bundle-%s' % (DIR, name)
    os.makedirs(b, exist_ok=True)
    if not os.path.exists(b + '/config.json'):
        subprocess.run(['runc', 'spec', '-b', b], check=True)
    with open(b + '/config.json') as f:
        c = json.load(f)
    c['process'].update(terminal=False, args=args)
    c['process'].pop('rlimits', None)   # needs a capability that not every machine gives
    c['root'] = {'path': ROOTFS, 'readonly': True}
    c['linux']['cgroupsPath'] = cgroup
    c['linux'].pop('resources', None)
    if edit:
        edit(c)
    with open(b + '/config.json', 'w') as f:
        json.dump(c, f)
    return b


def cgroup_remove(path):
    """The cgroup in all hierarchies and its parents, as far as they are empty."""
    while path.strip('/'):
        for d in glob.glob('/sys/fs/cgroup/*' + path) + glob.glob('/sys/fs/cgroup' + path):
            for i in range(20):
                try:
                    os.rmdir(d)
                    break
                except FileNotFoundError:
                    break
                except OSError:
                    if i == 0 and any(os.scandir(d)) and \
                            any(e.is_dir() for e in os.scandir(d)):
                        break       # somebody else's is in it
                    time.sleep(0.05)
        path = os.path.dirname(path)


class Container:
    def __init__(self, cgroup, id=None, edit=None):
        """@cgroup: with {id} for the container's. @edit: changes its config.json before it is written."""
        self.edit = edit
        self.id = id or new_id()
        self.cgroup = cgroup.format(id=self.id)
        at_end(cgroup_remove, self.cgroup)
        at_end(self.delete)

    def _runc(self, *args, **kw):
        return subprocess.run(['runc', '--root', STATE, *args], capture_output=True, timeout=60, **kw)

    def run(self, *args):
        """Runs @args in it to the end."""
        b = _bundle(self.id[:12], list(args), self.cgroup, self.edit)
        p = self._runc('run', '-b', b, self.id, stdin=subprocess.DEVNULL)
        if p.returncode:
            raise RuntimeError('runc run: %s' % p.stderr.decode())

    def start(self, *args, out=None):
        """Starts @args in it, its output going to @out. -> pid of its first process"""
        b = _bundle(self.id[:12], list(args), self.cgroup, self.edit)
        with open(os.devnull, 'r+b') as null:
            subprocess.run(['runc', '--root', STATE, 'run', '-d', '--pid-file', b + '/pid', '-b', b,
                            self.id], stdin=null, stdout=out or null, stderr=out or null, check=True, timeout=60)
        with open(b + '/pid') as f:
            return int(f.read())

    def delete(self):
        self._runc('delete', '-f', self.id)


def kubepods_cgroupfs(uid):
    return '/kubepods/burstable/pod%s/{id}' % uid


def kubepods_systemd(uid):
    return '/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod%s.slice/' \
           'cri-containerd-{id}.scope' % uid.replace('-', '_')


DOCKER = '/docker/{id}'
PODMAN = '/machine.slice/libpod-{id}.scope'
