"""MariaDB: its client, PHP's mysqlnd with prepared statements, PyMySQL."""
import lab

PORT = 3306
AT = ['-h', '127.0.0.1', '-P', str(PORT), '-u', 'shop', '-psesame']


def mariadb():
    lab.need('mariadbd', 'mariadb', 'mariadb-install-db')
    data = lab.folder(owner='mysql') + '/data'
    lab.client(['mariadb-install-db', '--no-defaults', '--datadir=' + data, '--user=mysql',
                '--auth-root-authentication-method=normal', '--skip-test-db'], timeout=120)
    lab.write('init.sql', "CREATE DATABASE shop;\nCREATE USER shop@'%' IDENTIFIED BY 'sesame';\n"
                          "GRANT ALL ON *.* TO shop@'%';\n")
    lab.serve(['mariadbd', '--no-defaults', '--datadir=' + data, '--user=mysql', '--bind-address=127.0.0.1',
               '--port=%d' % PORT, '--socket=' + lab.folder() + '/sock', '--skip-name-resolve', '--local-infile=1',
               '--init-file=' + lab.folder() + '/init.sql', '--innodb-flush-log-at-trx-commit=0'], PORT)


def client(script, *argv):
    return lab.client(['mariadb', '--no-defaults', *AT, '--force', '--skip-ssl', *argv], input=script, ok=None)


TABLE = '''CREATE TABLE users (id int PRIMARY KEY, name text);
INSERT INTO users VALUES (1, 'Ada'), (2, 'Bob');
'''

TEXT = 'USE shop\n' + TABLE + '''SELECT * FROM users WHERE id = 1;
SELECT name FROM users WHERE name = 'nobody';
UPDATE users SET name = 'Eve' WHERE id = 2;
INSERT INTO users VALUES (1, 'again');
SELECT * FROM nowhere;
SELEC 1;
BEGIN;
DELETE FROM users WHERE id = 2;
ROLLBACK;
SHOW TABLES;
SELECT repeat('x', 6000);
DELIMITER //
CREATE PROCEDURE two() BEGIN SELECT 1; SELECT id, name FROM users; END//
DELIMITER ;
CALL two();
USE nowhere
'''


def text():
    """The text protocol: statements, errors, a procedure with two results, databases; mariadb-admin."""
    mariadb()
    with lab.capture(PORT):
        client(TEXT)
        for command in ('ping', 'status', 'processlist'):
            lab.client(['mariadb-admin', '--no-defaults', *AT, '--skip-ssl', command], ok=None)
        lab.client(['mariadb', '--no-defaults', *AT[:-1], '-pwrong', '--skip-ssl', '-e', 'SELECT 1'], ok=None)


def load():
    """A file of the client's, and a dump."""
    mariadb()
    client('USE shop\n' + TABLE)
    rows = lab.write('rows', ''.join('%d\tname %d\n' % (i, i) for i in range(10, 60)))
    with lab.capture(PORT):
        client("LOAD DATA LOCAL INFILE '%s' INTO TABLE users;\nSELECT count(*) FROM users;\n" % rows,
               '--local-infile=1', 'shop')


def compressed():
    """The compressed protocol, which cannot be read."""
    mariadb()
    with lab.capture(PORT):
        client("SELECT 1;\nSELECT repeat('z', 5000);\n", '--compress')


PHP = '''<?php
mysqli_report(MYSQLI_REPORT_OFF);
$c = new mysqli('127.0.0.1', 'shop', 'sesame', 'shop', 3306);
$s = $c->prepare('SELECT name FROM users WHERE id = ?');
foreach ([1, 2, 77] as $id) {
    $s->bind_param('i', $id);
    $s->execute();
    $s->get_result()->fetch_all();
}
$s->close();
$i = $c->prepare('INSERT INTO users VALUES (?, ?)');
$id = 30; $name = 'Zoe';
$i->bind_param('is', $id, $name);
$i->execute();
$i->execute(); // the same key again
$i->close();
$c->prepare('SELECT * FROM nowhere WHERE id = ?');
$l = $c->prepare('INSERT INTO users VALUES (31, ?)');
$blob = null;
$l->bind_param('b', $blob);
$l->send_long_data(0, str_repeat('q', 3000));
$l->execute();
$f = $c->prepare('SELECT id, name FROM users');
$f->attr_set(MYSQLI_STMT_ATTR_CURSOR_TYPE, MYSQLI_CURSOR_TYPE_READ_ONLY);
$f->execute();
$f->bind_result($id, $name);
while ($f->fetch());
$f->reset();
$f->close();
$c->multi_query('SELECT 1; SELECT 2, 3; UPDATE users SET name = "m" WHERE id = 1; SELECT * FROM nowhere');
do {
    if ($r = $c->store_result())
        $r->free();
} while ($c->more_results() && $c->next_result());
$c->ping();
$c->stat();
$c->select_db('shop');
$c->change_user('shop', 'sesame', 'shop');
$c->close();
'''


def prepared():
    """The binary protocol (PHP): prepared statements, long data, a cursor, several statements at once."""
    lab.need('php')
    mariadb()
    client('USE shop\n' + TABLE)
    with lab.capture(PORT):
        lab.client(['php', lab.write('client.php', PHP)])


DRIVER = '''
import pymysql
c = pymysql.connect(host='127.0.0.1', user='shop', password='sesame', database='shop', autocommit=False)
q = c.cursor()
q.execute('SELECT name FROM users WHERE id = %s', (1,))
q.executemany('INSERT INTO users VALUES (%s, %s)', [(20, 'a'), (21, 'b')])
c.commit()
try:
    q.execute('INSERT INTO users VALUES (20, %s)', ('secret',))
except pymysql.Error:
    c.rollback()
c.ping()
c.close()
'''


def driver():
    """PyMySQL: a transaction and an error."""
    mariadb()
    client('USE shop\n' + TABLE)
    with lab.capture(PORT):
        lab.client(['/usr/bin/python3', lab.write('client.py', DRIVER)])


CAPTURES = {
    'mysql/mariadb-text': text,
    'mysql/mariadb-load': load,
    'mysql/mariadb-compressed': compressed,
    'mysql/php-prepared': prepared,
    'mysql/pymysql': driver,
}
