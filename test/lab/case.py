"""The cases: one file each under cases/, whose head says what it is sick with and what it needs.

The head is the file's first comment, lines of `key: value` up to an empty one. A value may be a range,
low..high, of which the seed chooses. Keys:

    cause   what why must name; two when it is sick twice; `healthy`
    cpu     CPUs of its limit           shares  weight (1024 is one CPU's request)
    cpuset  its CPUs                    memory  MiB of its limit
    peer    a second container of the same program, in a pod of its own; the limits of that one:
            `peer: cpu=1 shares=2048 memory=64`, or just `peer: yes`
    delay   ms, loss  percent: of the wire between the two, each way
    dns     the address that /etc/resolv.conf names
    needs   programs without which the case is skipped
    flags   for the compiler            run     how it is started, where it is not a binary
"""
import glob
import os
import random
import re
import shutil
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
KEYS = 'cause cpu shares cpuset memory peer delay loss dns needs flags run'.split()
COMPILERS = {
    '.c': lambda: [os.environ.get('CC', 'cc'), '-std=gnu11', '-O2', '-D_GNU_SOURCE', '-I' + HERE, '-pthread',
                   '-Wall', '-Wno-unused-function', '-Wno-unused-result'],
    '.cc': lambda: ['c++', '-std=c++17', '-O2', '-I' + HERE, '-pthread'],
    '.rs': lambda: ['rustc', '--edition=2021', '-C', 'opt-level=2', '-A', 'warnings'],
}
LINE = re.compile(r'^[\s*/#]*(\w+):\s*(.*?)\s*$')


class Case:
    def __init__(self, path):
        self.path = path
        self.name, self.kind = os.path.splitext(os.path.basename(path))
        self.said = {}
        with open(path) as f:
            self._head(f)
        self.causes = self.said['cause'].split()

    def _head(self, lines):
        for line in lines:
            m = LINE.match(line)
            if not m:
                if self.said:
                    return
                continue
            if m.group(1) not in KEYS:
                raise ValueError('%s: %s is no key' % (self.path, m.group(1)))
            self.said[m.group(1)] = m.group(2)

    def __getattr__(self, key):
        if key in KEYS:
            return self.said.get(key)
        raise AttributeError(key)

    def missing(self):
        """Which program it needs and is not there, or None."""
        for p in (self.needs or '').split() + {'.rs': ['rustc'], '.cc': ['c++']}.get(self.kind, []):
            if not shutil.which(p):
                return p
        return None

    def chosen(self, seed):
        """What the seed makes of the ranges: {key: text}, peer's as {key: text} too."""
        r = random.Random('%s %s' % (seed, self.name))

        def choose(text):
            low, dots, high = text.partition('..')
            return '%.3f' % r.uniform(float(low), float(high)) if dots else text

        out = {k: choose(v) for k, v in self.said.items()
               if k in ('cpu', 'shares', 'cpuset', 'memory', 'delay', 'loss')}
        if self.peer:
            out['peer'] = {k: choose(v) for k, _, v in (x.partition('=') for x in self.peer.split()) if v}
        out['seed'] = r.randrange(1, 1 << 31)
        return out

    def build(self, folder):
        """Makes the folder that is mounted as /app: app, whatever the case is."""
        os.makedirs(folder, exist_ok=True)
        out = os.path.join(folder, 'app')
        if self.kind in COMPILERS:
            compile(COMPILERS[self.kind]() + ['-o', out, self.path] + (self.flags or '').split())
        else:
            shutil.copy(self.path, out)
            os.chmod(out, 0o755)

    def command(self, who, seed, memory):
        args = [who, str(seed), str(memory)]
        return (self.run.split() if self.run else []) + ['/app/app'] + args


def compile(args):
    p = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if p.returncode:
        raise RuntimeError('%s\n%s' % (' '.join(args), p.stdout.decode('utf-8', 'replace')))


def all_cases():
    return [Case(p) for p in sorted(glob.glob(HERE + '/cases/*.*'))]
