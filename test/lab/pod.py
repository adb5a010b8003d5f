"""Pods of the laboratory: a network namespace, a kubepods-shaped cgroup, a container of runc's in them.

All of it is gone when its case ends, and at exit. Wires between pods are veth pairs, or wire.c where a
wire has to be bad; neither has anything to do with the machine's own network.
"""
import ctypes
import glob
import json
import os
import shutil
import signal
import subprocess
import time

import e2e
import runc

ROOT = e2e.DIR + '/root'
FROM_HOST = ('usr', 'lib', 'lib64', 'bin', 'sbin', 'etc/ld.so.cache', 'etc/alternatives')
ADDRESS = {'a': '10.77.0.1', 'b': '10.77.0.2'}
PERIOD_US = 100000


def _with_parent():
    """In a child: it ends when the laboratory does, however that ends."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def end(p):
    if p and p.poll() is None:
        p.kill()
        p.wait()
    if p and p.stdout:
        p.stdout.close()


def root_make():
    """What all containers see: the machine's programs and libraries, and an /etc of their own."""
    for d in ('etc', 'proc', 'sys', 'dev', 'tmp', 'app', 'data', 'var', 'run'):
        os.makedirs(ROOT + '/' + d, exist_ok=True)
    for d in FROM_HOST:
        if os.path.islink('/' + d):
            os.symlink(os.readlink('/' + d), ROOT + '/' + d)
        elif os.path.isdir('/' + d):
            os.makedirs(ROOT + '/' + d)
        elif os.path.exists('/' + d):
            open(ROOT + '/' + d, 'w').close()
    texts = {'passwd': 'root:x:0:0:root:/:/bin/sh\n', 'group': 'root:x:0:\n', 'resolv.conf': '',
             'nsswitch.conf': 'hosts: files dns\n', 'hosts': '127.0.0.1 localhost\n'}
    for name, text in texts.items():
        with open('%s/etc/%s' % (ROOT, name), 'w') as f:
            f.write(text)


class Pod:
    def __init__(self, who, app, settings, resolver=None):
        """@who: a, b, or another letter. @app: the folder mounted as /app."""
        self.who, self.app, self.settings = who, app, settings
        self.uid = runc.new_uid()
        self.container = runc.Container(runc.kubepods_cgroupfs(self.uid), edit=self._edit)
        self.id, self.cgroup = self.container.id, self.container.cgroup
        self.folder = '%s/pod-%s' % (e2e.DIR, self.id[:12])
        os.makedirs(self.folder + '/data')
        with open(self.folder + '/resolv.conf', 'w') as f:
            if resolver:
                f.write('nameserver %s\noptions timeout:1 attempts:2\n' % resolver)
        self.holder = e2e.start(['unshare', '-n', 'sleep', 'infinity'], preexec_fn=_with_parent)
        self.out = None
        self.netns = '/proc/%d/ns/net' % self.holder.pid
        _wait_netns(self.netns)
        self.ip('link', 'set', 'lo', 'up')

    def ip(self, *args):
        subprocess.run(['nsenter', '--net=' + self.netns, 'ip', *args], check=True)

    def address(self):
        self.ip('addr', 'add', ADDRESS[self.who] + '/24', 'dev', 'eth0')
        self.ip('link', 'set', 'eth0', 'up')

    def _edit(self, c):
        s, linux = self.settings, c['linux']
        c['root'] = {'path': ROOT, 'readonly': True}
        c['hostname'] = 'app'
        c['process']['cwd'] = '/data'
        c['process']['env'] = ['PATH=/usr/bin:/bin', 'HOME=/data']
        binds = [('/' + d, '/' + d, 'ro') for d in FROM_HOST
                 if os.path.exists('/' + d) and not os.path.islink('/' + d)]
        binds += [(self.app, '/app', 'ro'), (self.folder + '/data', '/data', 'rw'),
                  (self.folder + '/resolv.conf', '/etc/resolv.conf', 'ro')]
        c['mounts'] += [{'source': a, 'destination': b, 'type': 'bind', 'options': ['rbind', how]}
                        for a, b, how in binds]
        c['mounts'].append({'source': 'tmpfs', 'destination': '/tmp', 'type': 'tmpfs'})
        for n in linux['namespaces']:
            if n['type'] == 'network':
                n['path'] = self.netns
        cpu = {'shares': int(float(s.get('shares', 512)))}
        if 'cpu' in s:
            cpu.update(quota=int(float(s['cpu']) * PERIOD_US), period=PERIOD_US)
        if 'cpuset' in s:
            cpu['cpus'] = s['cpuset']
        linux['resources'] = {'cpu': cpu, 'memory': {'limit': self.memory() << 20}}

    def memory(self):
        return int(float(self.settings.get('memory', 256)))

    def start(self, command):
        """Its output goes the way of a container's: a pipe that somebody empties."""
        with open(self.folder + '/out', 'wb') as f:
            self.out = e2e.start(['sh', '-c', 'head -c 65536; cat >/dev/null'], stdin=subprocess.PIPE,
                                 stdout=f, preexec_fn=_with_parent)
        self.pid = self.container.start(*command, out=self.out.stdin)
        self.out.stdin.close()

    def running(self):
        return os.path.exists('/proc/%d' % self.pid)

    def said(self):
        with open(self.folder + '/out', errors='replace') as f:
            return f.read(400)

    def stop(self):
        self.container.delete()
        runc.cgroup_remove(self.cgroup)
        end(self.holder)
        end(self.out)
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree('%s/bundle-%s' % (e2e.DIR, self.id[:12]), ignore_errors=True)


def _wait_netns(path):
    """Until the holder is in a namespace of its own."""
    for _ in range(500):
        if os.readlink(path) != os.readlink('/proc/self/ns/net'):
            return
        time.sleep(0.01)
    raise RuntimeError('no network namespace')


def _born(pid):
    """When a process was started, in ticks; None: there is none."""
    try:
        with open('/proc/%d/stat' % pid) as f:
            return f.read().rsplit(')', 1)[1].split()[19]
    except OSError:
        return None


def sweep(folder):
    """Removes what laboratories left that were killed; then signs for what this one makes."""
    for d in glob.glob(folder + '/porthole-e2e-*'):
        try:
            with open(d + '/owner') as f:
                pid, born = f.read().split()
        except (OSError, ValueError):
            continue
        if _born(int(pid)) == born:
            continue
        for path in glob.glob(d + '/bundle-*/config.json'):
            with open(path) as f:
                cgroup = json.load(f)['linux']['cgroupsPath']
            subprocess.run(['runc', '--root', d + '/runc', 'delete', '-f', os.path.basename(cgroup)],
                           stderr=subprocess.DEVNULL)
            runc.cgroup_remove(cgroup)
        shutil.rmtree(d, ignore_errors=True)
    with open(e2e.DIR + '/owner', 'w') as f:
        f.write('%d %s' % (os.getpid(), _born(os.getpid())))


def wire(a, b, program, delay_ms, loss_percent, seed):
    """Connects two pods. -> the process behind a bad wire, or None"""
    if not delay_ms and not loss_percent:
        subprocess.run(['ip', 'link', 'add', 'eth0', 'netns', str(a.holder.pid), 'type', 'veth', 'peer',
                        'name', 'eth0', 'netns', str(b.holder.pid)], check=True)
        p = None
    else:
        p = e2e.start([program, a.netns, b.netns, str(int(delay_ms * 1000)),
                       str(int(loss_percent * 10)), str(seed)], stdout=subprocess.PIPE,
                      preexec_fn=_with_parent)
        if p.stdout.readline() != b'ready\n':
            raise RuntimeError('no wire')
    a.address()
    b.address()
    return p
