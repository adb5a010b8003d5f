"""What the client's pod asks nginx: kept alive, in parallel, pipelined; over HTTP/2 by nghttp and curl."""
import http.client
import socket
import subprocess
import sys
import threading

HOST = sys.argv[1]
TRACE = {'traceparent': '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'}


def ask(c, method, path, body=None, headers={}):
    c.request(method, path, body, headers)
    c.getresponse().read()


def loop(k):
    c = http.client.HTTPConnection(HOST, 8080, timeout=10)
    for i in range(40):
        ask(c, 'GET', '/users/%d?token=secret%d' % (i, k), headers=TRACE)
        ask(c, 'GET', ('/index.html', '/missing', '/fail', '/away')[i % 4])
    ask(c, 'HEAD', '/large.html')
    ask(c, 'GET', '/large.html')
    ask(c, 'POST', '/upload', b'y' * 500000)
    ask(c, 'PUT', '/upload', iter([b'z' * 1000] * 50))      # chunked
    ask(c, 'GET', '/zip/large.html', headers={'Accept-Encoding': 'gzip'})
    ask(c, 'DELETE', '/users/%d' % k)
    c.close()


threads = [threading.Thread(target=loop, args=(k,)) for k in range(4)]
for t in threads:
    t.start()
for t in threads:
    t.join()
with socket.create_connection((HOST, 8080)) as s:
    s.sendall(b''.join(b'GET /users/p%d HTTP/1.1\r\nHost: x\r\n%s\r\n' % (i, b'Connection: close\r\n' if i == 29 else b'')
                       for i in range(30)))
    while s.recv(65536):
        pass


def nghttp(*args):
    subprocess.run(['nghttp', '-n', *args], check=True, stdout=subprocess.DEVNULL)


with open('/data/body', 'w') as f:
    f.write('x' * 100000)
at = 'http://%s:8082' % HOST
nghttp(*(at + '/users/h%d' % i for i in range(30)), at + '/missing', at + '/fail', at + '/large.html', at + '/index.html')
nghttp('-m', '3', at + '/list.json')
nghttp('-d', '/data/body', at + '/upload')
subprocess.run(['curl', '-sS', '-m', '20', '--http2-prior-knowledge', at + '/users/curl'], check=True,
               stdout=subprocess.DEVNULL)
