"""What the client's pod asks PostgreSQL: pgbench in its three modes, psycopg2, psql, COPY, errors."""
import io
import os
import subprocess
import sys

import psycopg2

HOST, BIN = sys.argv[1:]
ENV = dict(os.environ, PGHOST=HOST, PGUSER='postgres', PGDATABASE='postgres', PGSSLMODE='disable', PGGSSENCMODE='disable')


def run(*args, ok=(0,), text=None):
    p = subprocess.run(args, env=ENV, input=text, capture_output=True, text=True)
    if p.returncode not in ok:
        sys.exit('%s: %s' % (args, p.stderr))


run(BIN + '/pgbench', '-i', '-q', '-s', '1')
for mode in ('simple', 'extended', 'prepared'):
    run(BIN + '/pgbench', '-n', '-M', mode, '-c', '3', '-t', '20')
    run(BIN + '/pgbench', '-n', '-S', '-M', mode, '-c', '3', '-t', '50')
c = psycopg2.connect(host=HOST, user='postgres', dbname='postgres', sslmode='disable', application_name='shop')
cur = c.cursor()
cur.execute('CREATE TABLE items (id int PRIMARY KEY, name text)')
for i in range(20):
    cur.execute('INSERT INTO items VALUES (%s, %s)', (i, "o'item %d" % i))
c.commit()
for wrong in ('INSERT INTO items VALUES (1, NULL)', 'SELECT * FROM nowhere', 'SELEC 1', 'SELECT 1/0',
              'UPDATE items SET id = 2 WHERE id = 3'):
    try:
        cur.execute(wrong)
    except psycopg2.Error:
        c.rollback()
cur.copy_expert('COPY items FROM STDIN', io.StringIO(''.join('%d\tcopied\n' % i for i in range(100, 5000))))
cur.copy_expert('COPY items TO STDOUT', io.StringIO())
cur.execute("SELECT name FROM items WHERE name = 'secret' OR id IN (1, 2, 3)")
cur.execute('DELETE FROM items')
c.commit()
c.close()
run('psql', '-c', "SELECT 1; SELECT 'two'", '-c', 'SELECT pg_sleep(0.05)')
run('psql', '-d', 'nowhere', '-c', 'SELECT 1', ok=(2,))
