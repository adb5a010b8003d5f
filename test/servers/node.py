"""A node for real servers: pods on one bridge, each a container of runc's in a kubepods-shaped cgroup and a
network namespace, the Kubernetes API's stand-in that names them, and tcpdump at the bridge.

The bridge is in a namespace of its own: nothing of it touches the machine's network. All ends with the test.
"""
import collections
import json
import os
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in ('e2e/lib', 'lab', 'l7'):
    sys.path.insert(0, os.path.normpath(HERE + '/../' + folder))
sys.dont_write_bytecode = True

import e2e
import pod
import runc

NS, NODE = 'shop', 'node-b'
PYTHON = '/usr/bin/python3'     # Debian's, which has Debian's modules


def users_make():
    """What the servers' users are called, as on the machine."""
    for name in ('passwd', 'group'):
        shutil.copy('/etc/' + name, '%s/etc/%s' % (pod.ROOT, name))
    os.chmod(pod.ROOT + '/tmp', 0o1777)     # what is mounted there gets the same


def hash_of(name):
    """Five letters as Kubernetes makes them."""
    return ''.join('bcdfghjklmnpqrstvwxz2456789'[ord(c) % 27] for c in (name * 5)[:5])


class Pod(pod.Pod):
    """A pod at the bridge: its holder has the network, its one container the program."""

    def __init__(self, node, app, user='root', memory=256):
        self.app_name, self.user = app, user
        self.owner = app + '-7d9c5bf6b8'
        self.name = '%s-%s' % (self.owner, hash_of(app))
        self.address_ip = node.address(self)
        pod.ADDRESS[app] = self.address_ip
        super().__init__(app, HERE + '/app', {'memory': memory}, resolver=node.resolver)
        self.data = self.folder + '/data'
        if user != 'root':
            shutil.chown(self.data, user, user)
        node.plug(self)
        self.address()

    def _edit(self, c):
        super()._edit(c)
        if self.user != 'root':
            p = __import__('pwd').getpwnam(self.user)
            c['process']['user'] = {'uid': p.pw_uid, 'gid': p.pw_gid}
        c['process']['env'] += ['PATH=/usr/bin:/bin:/usr/sbin:/sbin', 'LC_ALL=C.UTF-8', 'PYTHONDONTWRITEBYTECODE=1']

    def start(self, command):
        try:
            super().start(command)
        except subprocess.CalledProcessError:
            self.out.stdin.close()
            self.out.wait(5)
            raise RuntimeError('%s does not start: %s' % (self.app_name, self.said()))

    def write(self, name, text):
        with open('%s/%s' % (self.data, name), 'w') as f:
            f.write(text)
        if self.user != 'root':
            shutil.chown('%s/%s' % (self.data, name), self.user, self.user)

    def read(self, name):
        with open('%s/%s' % (self.data, name), errors='replace') as f:
            return f.read()

    def exec(self, *argv, ok=(0,), timeout=90):
        """Runs a program in the container, as `kubectl exec` does. -> its output"""
        p = subprocess.run(['runc', '--root', runc.STATE, 'exec', self.id, *argv], capture_output=True,
                           stdin=subprocess.DEVNULL, timeout=timeout)
        if ok is not None and p.returncode not in ok:
            raise RuntimeError('%s: %d: %s%s' % (' '.join(argv)[:200], p.returncode,
                                                 p.stdout.decode(errors='replace')[-1500:],
                                                 p.stderr.decode(errors='replace')[-1500:]))
        return p.stdout.decode(errors='replace')

    def exec_start(self, *argv, out):
        """Likewise, in the background."""
        return e2e.start(['runc', '--root', runc.STATE, 'exec', self.id, *argv], stdin=subprocess.DEVNULL,
                         stdout=out, stderr=subprocess.STDOUT)

    def listens(self, port, seconds=60):
        """Until somebody in the pod listens there."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            out = subprocess.run(['nsenter', '--net=' + self.netns, 'ss', '-Hltn', 'sport = :%d' % port],
                                 capture_output=True).stdout
            if out.strip():
                return
            if not self.running():
                break
            time.sleep(0.1)
        raise RuntimeError('%s does not listen on %d: %s' % (self.app_name, port, self.said()))

    def object(self):
        """It as the API tells it."""
        running = {'name': self.app_name, 'ready': True, 'started': True, 'restartCount': 0, 'image': 'debian',
                   'imageID': 'x', 'containerID': 'containerd://' + self.id, 'lastState': {},
                   'state': {'running': {'startedAt': '2026-11-22T16:55:09Z'}}}
        owner = {'apiVersion': 'apps/v1', 'kind': 'ReplicaSet', 'name': self.owner, 'controller': True,
                 'uid': runc.new_uid()}
        return {'metadata': {'name': self.name, 'namespace': NS, 'uid': self.uid,
                             'labels': {'app': self.app_name, 'pod-template-hash': '7d9c5bf6b8'},
                             'ownerReferences': [owner]},
                'spec': {'nodeName': NODE, 'containers': [{'name': self.app_name, 'image': 'debian'}]},
                'status': {'phase': 'Running', 'podIP': self.address_ip, 'podIPs': [{'ip': self.address_ip}],
                           'containerStatuses': [running]}}


class Api:
    """The stand-in of the Kubernetes API."""

    def __init__(self):
        self.dir = e2e.DIR + '/api'
        self.p = e2e.start([sys.executable, HERE + '/../kube/apiserver.py', '--dir', self.dir],
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._until('READY')
        self.env = {'KUBECONFIG': self.dir + '/kubeconfig', 'NODE_NAME': NODE}

    def _until(self, *words):
        while True:
            line = self.p.stdout.readline()
            if not line or line.startswith(words):
                return line

    def event(self, resource, kind, o):
        self.p.stdin.write('event %s %s %s\n' % (resource, kind, json.dumps(o)))
        self.p.stdin.flush()
        said = self._until('OK', 'ERR')
        if not said.startswith('OK'):
            raise RuntimeError('the API: ' + said)


class Node:
    def __init__(self):
        pod.root_make()
        users_make()
        self.pods, self.resolver = [], None
        self.switch = e2e.start(['unshare', '-n', 'sleep', 'infinity'], preexec_fn=pod._with_parent)
        self.netns = '/proc/%d/ns/net' % self.switch.pid
        pod._wait_netns(self.netns)
        self.ip('link', 'add', 'br0', 'type', 'bridge')
        self.ip('link', 'set', 'br0', 'up', 'promisc', 'on')
        self.api = Api()

    def ip(self, *args):
        subprocess.run(['nsenter', '--net=' + self.netns, 'ip', *args], check=True)

    def address(self, p):
        self.pods.append(p)
        return '10.77.0.%d' % (len(self.pods) + 9)

    def plug(self, p):
        port = 'p%d' % len(self.pods)
        self.ip('link', 'add', port, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', str(p.holder.pid))
        self.ip('link', 'set', port, 'master', 'br0', 'up')
        e2e.at_end(p.stop)

    def tell(self, p):
        self.api.event('pods', 'ADDED', p.object())

    def capture(self, path):
        return Capture(self, path)


class Capture:
    """tcpdump at the bridge: whatever goes between pods."""

    def __init__(self, node, path):
        self.path = path
        self.p = e2e.start(['nsenter', '--net=' + node.netns, 'tcpdump', '-i', 'br0', '-s', '0', '-B', '65536', '-U',
                            '--immediate-mode', '-Z', 'root', '-w', path], stdin=subprocess.DEVNULL,
                           stderr=subprocess.PIPE)
        while b'listening on' not in self.p.stderr.readline():
            if self.p.poll() is not None:
                raise RuntimeError('tcpdump ended')

    def stop(self):
        """-> whether it has all"""
        self.p.send_signal(signal.SIGINT)
        return b'\n0 packets dropped by kernel' in self.p.communicate()[1]

    def part(self, where, path):
        """The packets that BPF expression @where selects, as a file of their own."""
        subprocess.run(['tcpdump', '-r', self.path, '-w', path, where], check=True, stderr=subprocess.DEVNULL)
        return path


class Server:
    """One of the real servers: what a module of this folder derives and calls NAME's.

    log() and told(r) say the same things of requests: a Counter of keys from the server's own log, and the
    keys of one request of porthole's."""
    name = None         # of the pod
    protocol = None     # in test/l7/protocols.py
    needs = ()          # programs
    module = None       # of Debian's Python
    ports = ()          # the first is waited for
    decode = {}         # {port: tshark's name of the protocol}
    user, memory = 'root', 256
    client_memory = 256

    def missing(self):
        """What is not installed, or None."""
        for program in self.needs:
            if not shutil.which(program, path='/usr/bin:/usr/sbin:/bin:/sbin:/usr/lib/rabbitmq/bin'):
                return program
        if self.module and subprocess.run([PYTHON, '-c', 'import ' + self.module], capture_output=True,
                                          cwd='/').returncode:
            return 'the Python module ' + self.module
        return None

    def start(self, node):
        self.pod = Pod(node, self.name, self.user, self.memory)
        self.prepare(self.pod)
        self.pod.start(self.command())

    def ready(self, node):
        self.pod.listens(self.ports[0])
        self.up(self.pod)
        self.client = Pod(node, self.name + '-client', 'root', self.client_memory)
        self.client.start(['sleep', 'infinity'])
        for p in (self.pod, self.client):
            node.tell(p)

    def prepare(self, p):
        """Writes files to p.data, /data in the container."""

    def command(self):
        raise NotImplementedError

    def up(self, p):
        """It listens: what else has to be before it is asked."""

    def begin(self):
        """Before the traffic."""

    def traffic(self):
        """In the client's pod, to its end."""
        self.client.exec(PYTHON, '/app/ask_%s.py' % self.name, self.pod.address_ip)

    def log(self):
        """What the server says it was asked since begin()."""
        return collections.Counter()

    def told(self, r):
        return ()

    def more(self, mine, check):
        """What else is to be looked at; @mine: porthole's requests, @check: e2e.ok."""


def lines_since(p, name, at):
    """The lines of a log after byte @at."""
    with open('%s/%s' % (p.data, name), errors='replace') as f:
        f.seek(at)
        return f.read().splitlines()


def size_of(p, name):
    try:
        return os.path.getsize('%s/%s' % (p.data, name))
    except FileNotFoundError:
        return 0


def lines_of(path):
    with open(path, errors='replace') as f:
        return f.read().splitlines()
