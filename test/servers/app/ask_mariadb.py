"""What the client's pod asks MariaDB: pymysql, the client program, prepared statements by the C library, errors."""
import ctypes
import subprocess
import sys

import pymysql

HOST = sys.argv[1]
WHO = {'host': HOST, 'user': 'shop', 'password': 'secret'}

c = pymysql.connect(**WHO, database='shop', autocommit=True)
cur = c.cursor()
cur.execute('CREATE TABLE items (id INT PRIMARY KEY, name LONGTEXT)')
for i in range(40):
    cur.execute('INSERT INTO items VALUES (%s, %s)', (i, "o'item"))
for i in range(40):
    cur.execute('SELECT name FROM items WHERE id = %s', (i,))
    cur.fetchall()
for wrong in ('SELECT * FROM nowhere', 'SELEC 1', 'INSERT INTO items VALUES (1, NULL)'):
    try:
        cur.execute(wrong)
    except pymysql.MySQLError:
        pass
cur.execute('SELECT REPEAT(name, 1000) FROM items')
cur.fetchall()
cur.execute("INSERT INTO items VALUES (1000, '%s')" % ('b' * 200000))
c.begin()
cur.execute('DELETE FROM items WHERE id = 1')
c.rollback()
c.ping()
c.select_db('shop')
c.close()
try:
    pymysql.connect(**dict(WHO, password='wrong'))
except pymysql.MySQLError:
    pass
subprocess.run(['mariadb', '--no-defaults', '--skip-ssl', '-h', HOST, '-u', 'shop', '-psecret', 'shop'], check=True, text=True,
               stdout=subprocess.DEVNULL, input='SELECT 1;\nSHOW TABLES;\nUPDATE items SET name = "x" WHERE id < 5;\n'
                                                'SELECT COUNT(*) FROM items;\n')

lib = ctypes.CDLL('libmariadb.so.3')
for f in ('mysql_init', 'mysql_real_connect', 'mysql_stmt_init'):
    getattr(lib, f).restype = ctypes.c_void_p
p = ctypes.c_void_p
db = p(lib.mysql_init(None))
assert lib.mysql_real_connect(db, HOST.encode(), b'shop', b'secret', b'shop', 3306, None, ctypes.c_ulong(0))
for text in (b'SELECT id, name FROM items WHERE id < 20', b'UPDATE items SET name = "p" WHERE id = 7'):
    st = p(lib.mysql_stmt_init(db))
    assert lib.mysql_stmt_prepare(st, text, ctypes.c_ulong(len(text))) == 0
    for _ in range(15):
        assert lib.mysql_stmt_execute(st) == 0
        lib.mysql_stmt_store_result(st)
        lib.mysql_stmt_free_result(st)
    lib.mysql_stmt_close(st)
lib.mysql_close(db)
