"""MariaDB: its general log has each command."""
import collections
import re

import node
from protocols import verb


class MariaDb(node.Server):
    name, protocol, ports = 'mariadb', 'mysql', (3306,)
    needs, module = ('mariadbd', 'mariadb-install-db', 'mariadb'), 'pymysql'
    user, memory = 'mysql', 512
    # [time] \t thread command \t text; statements may have more lines.
    LINE = re.compile(r'^(?:\d{6} [ \d:]{8})?\s+(\d+) (Connect|Query|Prepare|Execute|Close stmt|Quit|Init DB|Ping|'
                      r'Statistics|Reset stmt)\t?(.*)$')
    # Those that porthole tells as commands; a statement that is prepared and executed is told by its verb.
    COMMANDS = {'Connect': 'CONNECT', 'Prepare': 'PREPARE', 'Quit': 'QUIT', 'Init DB': 'INIT_DB',
                'Statistics': 'STATISTICS'}
    NOT_LOGGED = 'PING'

    def command(self):
        make = 'mariadb-install-db --no-defaults --datadir=/data/db --auth-root-authentication-method=normal ' \
               '--skip-test-db >/data/install 2>&1'
        serve = 'exec mariadbd --no-defaults --datadir=/data/db --socket=/data/sock --pid-file=/data/pid ' \
                '--bind-address=0.0.0.0 --general-log=1 --general-log-file=/data/log --init-file=/app/mariadb.sql ' \
                '--tmpdir=/data --skip-name-resolve'
        return ['sh', '-c', make + ' && ' + serve]

    def begin(self):
        self.at = node.size_of(self.pod, 'log')

    def log(self):
        found, ours = collections.Counter(), set()
        for m in map(self.LINE.match, node.lines_since(self.pod, 'log', self.at)):
            if not m:
                continue
            thread, command, text = m.groups()
            if command == 'Connect':
                if text.startswith('Access denied'):     # the line before told of it
                    continue
                ours.add(thread)
            if command in self.COMMANDS:
                found[self.COMMANDS[command]] += 1
            elif command in ('Query', 'Execute'):
                found['statement', verb(text)] += 1
        return found

    def told(self, r):
        if r['req.method'] == self.NOT_LOGGED:
            return
        if r['req.method'] in self.COMMANDS.values():
            yield r['req.method']
        else:
            yield 'statement', verb(r['req.method'])


SERVER = MariaDb
