"""PostgreSQL: its log has each statement that is executed, and each error with its SQLSTATE."""
import collections
import glob
import json

import node
from protocols import verb

BIN = max(glob.glob('/usr/lib/postgresql/*/bin'), default='/nowhere', key=lambda d: int(d.split('/')[4]))


class Postgres(node.Server):
    name, protocol, ports = 'postgres', 'pgsql', (5432,)
    needs, module = (BIN + '/initdb', BIN + '/pgbench', 'psql'), 'psycopg2'
    user, memory = 'postgres', 512

    def command(self):
        return ['sh', '-c', '%s/initdb -D /data/db -A trust >/data/initdb && cat /app/postgres.conf >>/data/db/postgresql.conf && '
                'echo "host all all all trust" >>/data/db/pg_hba.conf && exec %s/postgres -D /data/db' % (BIN, BIN)]

    def begin(self):
        self.at = node.size_of(self.pod, 'log.json')

    def traffic(self):
        self.client.exec(node.PYTHON, '/app/ask_postgres.py', self.pod.address_ip, BIN)

    def rows(self):
        for line in node.lines_since(self.pod, 'log.json', self.at):
            row = json.loads(line)
            if row.get('remote_host', '').startswith('10.77.'):
                yield row

    def log(self):
        """Statements by verb; errors by code."""
        found = collections.Counter()
        for row in self.rows():
            text = row['message']
            how, _, statement = text.partition(': ')
            if row['error_severity'] == 'LOG' and (how == 'statement' or how.startswith('execute ')):
                found['statement', verb(statement)] += 1
            elif row['error_severity'] in ('ERROR', 'FATAL'):
                found['error', row['state_code']] += 1
                if row['state_code'] == '42601':    # what cannot be parsed is not logged as a statement
                    found['statement', verb(row['statement'])] += 1
        return found

    def told(self, r):
        if r['req.method'] not in ('CONNECT', 'PREPARE', 'TERMINATE') or 'PREPARE ' in (r.get('req.resource') or ''):
            yield 'statement', verb(r['req.method'])
        if r.get('req.ok') is False:
            yield 'error', r['req.status']


SERVER = Postgres
