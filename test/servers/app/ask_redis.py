"""What the client's pod asks Redis: redis-cli, RESP3, transactions, scripts, publish and subscribe, pipelines."""
import socket
import subprocess
import sys

HOST = sys.argv[1]


def cli(*args, text=None):
    subprocess.run(['redis-cli', '-h', HOST, *args], input=text, check=True, stdout=subprocess.DEVNULL, text=True)


subprocess.run(['redis-benchmark', '-h', HOST, '-n', '500', '-c', '10', '-q', '-t', 'set,get,lpush,mset'], check=True,
               stdout=subprocess.DEVNULL)
subprocess.run(['redis-benchmark', '-h', HOST, '-n', '2000', '-c', '5', '-P', '16', '-q', '-t', 'set,get', '-d', '300'],
               check=True, stdout=subprocess.DEVNULL)
cli(text='SET a 1\nGET a\nGET nothing\nINCR a\nLPUSH a x\nNOSUCH 1\nHSET h f v g w\nHGETALL h\nMULTI\nSET b 2\nGET b\nEXEC\n'
         'EVAL "return redis.call(\'GET\',KEYS[1])" 1 a\nDEL a b h\nGET\n')
cli('-3', text='SET user:1 x\nGET user:1\nHSET h f v\nHGETALL h\nCONFIG GET maxmemory\nSTRLEN user:1\n')
with socket.create_connection((HOST, 6379)) as sub, socket.create_connection((HOST, 6379)) as p:
    sub.sendall(b'*2\r\n$9\r\nSUBSCRIBE\r\n$4\r\nnews\r\n')
    sub.recv(1000)
    for i in range(20):
        p.sendall(b'*3\r\n$7\r\nPUBLISH\r\n$4\r\nnews\r\n$2\r\nn%d\r\n' % (i % 10))
        p.recv(100)
        sub.recv(1000)
    p.sendall(b'*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$300000\r\n' + b'b' * 300000 + b'\r\n')
    p.recv(100)
    p.sendall(b'*2\r\n$3\r\nGET\r\n$3\r\nbig\r\n')
    n = 0
    while n < 300011:
        n += len(p.recv(65536))
    p.sendall(b'PING\r\n')      # inline
    p.recv(100)
cli('ECHO', 'LAST')
