"""PostgreSQL: psql, pgbench, psycopg2, and messages by hand."""
import glob
import os
import struct

import lab

PORT = 5432
AT = ['-h', '127.0.0.1', '-p', str(PORT), '-U', 'shop']
PLAIN = {**os.environ, 'PGSSLMODE': 'disable', 'PGGSSENCMODE': 'disable', 'PGDATABASE': 'postgres',
         'PGPASSWORD': 'sesame'}


def postgres(auth='trust'):
    bins = sorted(glob.glob('/usr/lib/postgresql/*/bin'))
    if not bins:
        raise lab.Missing('postgresql')
    lab.need('psql', 'pgbench')
    data = lab.folder(owner='postgres') + '/data'
    lab.client([bins[-1] + '/initdb', '-D', data, '-U', 'shop', '-A', auth, '--no-sync', '-E', 'UTF8',
                '--locale=C', '--pwfile=' + lab.write('password', 'sesame\n')], user='postgres')
    lab.serve([bins[-1] + '/postgres', '-D', data, '-k', lab.folder(), '-c', 'fsync=off',
               '-c', 'listen_addresses=127.0.0.1'], PORT, user='postgres')


def psql(script, *argv, env=PLAIN):
    return lab.client(['psql', '-X', *AT, *argv], input=script, ok=None, env=env)


TABLE = '''CREATE TABLE users (id int PRIMARY KEY, name text);
INSERT INTO users VALUES (1, 'Ada'), (2, 'Bob');
'''

SIMPLE = TABLE + '''SELECT * FROM users WHERE id = 1;
SELECT name FROM users WHERE name = 'nobody';
UPDATE users SET name = 'Eve' WHERE id = 2;
INSERT INTO users VALUES (1, 'again');
SELECT * FROM nowhere;
SELEC 1;
SELECT 1/0;
BEGIN;
DELETE FROM users WHERE id = 2;
ROLLBACK;
WITH u AS (SELECT * FROM users) SELECT count(*) FROM u;
DO $$ BEGIN RAISE NOTICE 'said'; END $$;
SET search_path = public;
SHOW search_path;
EXPLAIN SELECT 1;
SELECT repeat('x', 6000);
SELECT 1 \\; SELECT 2 \\; SELECT 3;
'''


def simple():
    """The simple protocol: statements, errors, a transaction, several statements in one message."""
    postgres()
    with lab.capture(PORT):
        psql(SIMPLE)
        psql('SELECT 1;\n', '-d', 'nosuchdb')


def login():
    """A refusal of TLS, passwords right and wrong."""
    postgres('scram-sha-256')
    with lab.capture(PORT):
        psql('SELECT 1;\n', env={**PLAIN, 'PGSSLMODE': 'prefer'})
        psql('SELECT 1;\n', env={**PLAIN, 'PGPASSWORD': 'wrong'})


def copy():
    """COPY in both directions, one that fails, and notifications."""
    postgres()
    psql(TABLE)
    rows = ''.join('%d\tname %d\n' % (i, i) for i in range(10, 60))
    with lab.capture(PORT):
        psql('COPY users FROM STDIN;\n' + rows + '\\.\nCOPY users TO STDOUT;\n'
             'COPY users FROM STDIN;\nx\ty\n\\.\nLISTEN news;\nNOTIFY news, \'hello\';\nSELECT 1;\n')


BENCH = '''\\set i random(1, 2)
SELECT name FROM users WHERE id = :i;
UPDATE users SET name = 'bench' WHERE id = :i;
'''


def extended():
    """The extended protocol: pgbench with it, with prepared statements, and pipelined."""
    postgres()
    psql(TABLE)
    lab.write('plain.sql', BENCH)
    lab.write('pipeline.sql', '\\startpipeline\n' + BENCH + 'SELECT 7;\n\\endpipeline\n')
    with lab.capture(PORT):
        for mode, script in (('extended', 'plain'), ('prepared', 'plain'), ('extended', 'pipeline')):
            lab.client(['pgbench', *AT, '-n', '-M', mode, '-f', script + '.sql', '-t', '3'], env=PLAIN)


def message(kind, body):
    return kind + struct.pack('!i', len(body) + 4) + body


def portals():
    """By hand: named statements and portals, rows in portions, an error in the middle, Flush, Close."""
    postgres()
    psql(TABLE)

    def parse(name, text):
        return message(b'P', name + b'\0' + text + b'\0\0\0')

    def bind(portal, name, *values):
        body = portal + b'\0' + name + b'\0' + struct.pack('!hh', 0, len(values))
        for v in values:
            body += struct.pack('!i', len(v)) + v
        return message(b'B', body + b'\0\0')

    def execute(portal, rows=0):
        return message(b'E', portal + b'\0' + struct.pack('!i', rows))

    sync, flush = message(b'S', b''), message(b'H', b'')
    with lab.capture(PORT):
        c = lab.Raw(PORT)
        who = b'user\0shop\0database\0postgres\0\0'
        c.say(struct.pack('!ii', len(who) + 8, 196608) + who)
        c.say(parse(b's1', b'SELECT id FROM users WHERE id > $1') + message(b'D', b'Ss1\0') + sync)
        c.say(bind(b'', b's1', b'0') + message(b'D', b'P\0') + execute(b'') + sync)
        c.say(message(b'Q', b'BEGIN\0'))
        c.say(bind(b'p1', b's1', b'0') + execute(b'p1', 1) + flush)
        c.say(execute(b'p1', 1) + sync)
        c.say(execute(b'p1') + message(b'C', b'Pp1\0') + sync)
        c.say(message(b'Q', b'COMMIT\0'))
        c.say(bind(b'', b's1', b'1') + execute(b'') + bind(b'', b's1', b'x') + execute(b'') +
              bind(b'', b's1', b'0') + execute(b'') + sync)
        c.say(parse(b'', b'INSERT INTO users VALUES (9, $1)') + bind(b'', b'', b'Zoe') + execute(b'') + sync)
        c.say(parse(b'', b'') + bind(b'', b'') + execute(b'') + sync)
        c.say(message(b'C', b'Ss1\0') + sync)
        c.say(bind(b'', b's1', b'0') + execute(b'') + sync)
        c.say(message(b'Q', b'\0'))
        c.say(message(b'X', b''))
        c.close()


DRIVER = '''
import psycopg2, threading
c = psycopg2.connect(host='127.0.0.1', user='shop', dbname='postgres', sslmode='disable', gssencmode='disable',
                     application_name='shop-web')
q = c.cursor()
q.execute('SELECT name FROM users WHERE id = %s', (1,))
q.fetchall()
q.executemany('INSERT INTO users VALUES (%s, %s)', [(20, 'a'), (21, 'b')])
c.commit()
try:
    q.execute('INSERT INTO users VALUES (20, %s)', ('secret',))
except psycopg2.Error:
    c.rollback()
threading.Timer(0.3, c.cancel).start()
try:
    q.execute('SELECT pg_sleep(5)')
except psycopg2.Error:
    c.rollback()
n = c.cursor('named')
n.execute('SELECT generate_series(1, 30)')
n.fetchmany(10)
n.close()
c.close()
'''


def driver():
    """psycopg2: a transaction, an error, a cancelled statement (a connection of its own), a cursor."""
    postgres()
    psql(TABLE)
    with lab.capture(PORT):
        lab.client(['/usr/bin/python3', lab.write('client.py', DRIVER)])


CAPTURES = {
    'pgsql/psql-simple': simple,
    'pgsql/psql-login': login,
    'pgsql/psql-copy': copy,
    'pgsql/pgbench-extended': extended,
    'pgsql/portals': portals,
    'pgsql/psycopg2': driver,
}
