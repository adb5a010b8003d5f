"""Redis: MONITOR, on a Unix socket of its own, has each command; INFO the errors."""
import collections
import re
import time

import node


class Redis(node.Server):
    name, protocol, ports = 'redis', 'redis', (6379,)
    needs, user = ('redis-server', 'redis-cli', 'redis-benchmark'), 'redis'
    # 1795380643.143180 [0 10.77.0.20:50000] "SET" "a" ...
    LINE = re.compile(r'^[0-9.]+ \[\d+ (10\.[0-9.]+):\d+\] "(\w+)"(?: "(\w*)")?')
    # MONITOR leaves out what could be secret, and what is not executed.
    NOT_TOLD = {'HELLO', 'AUTH', 'EXEC', 'QUIT', 'CONFIG', 'MESSAGE'}

    def command(self):
        return ['redis-server', '--bind', '0.0.0.0', '--protected-mode', 'no', '--save', '', '--dir', '/data',
                '--unixsocket', '/data/sock']

    def begin(self):
        self.out = open(self.pod.folder + '/monitor', 'w')
        self.monitor = self.pod.exec_start('redis-cli', '-s', '/data/sock', 'MONITOR', out=self.out)
        while not node.lines_of(self.out.name):
            time.sleep(0.05)
        self.errors_before = self.errors()

    def errors(self):
        """{word: how often} that it answered with"""
        text = self.pod.exec('redis-cli', '-s', '/data/sock', 'INFO', 'errorstats')
        return collections.Counter({m[1]: int(m[2]) for m in re.finditer(r'errorstat_(\w+):count=(\d+)', text)})

    def log(self):
        for _ in range(100):
            if any('"LAST"' in line.upper() for line in node.lines_of(self.out.name)):
                break
            time.sleep(0.1)
        rows = map(self.LINE.match, node.lines_of(self.out.name))
        return collections.Counter(m[2].upper() for m in rows if m and m[2].upper() not in self.NOT_TOLD)

    def told(self, r):
        word = r['req.method'].partition(' ')[0]
        if word not in self.NOT_TOLD and r.get('req.status') not in ('ERR', 'EXECABORT') and not r.get('req.oneway'):
            yield word

    def more(self, at, check):
        want = self.errors() - self.errors_before
        for side, requests in at.items():
            got = collections.Counter(r['req.status'] for r in requests if r.get('req.ok') is False)
            check(got == want, 'redis: at the %s, the errors that Redis counted' % side, got, want)


SERVER = Redis
