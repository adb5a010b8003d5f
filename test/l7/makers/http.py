"""HTTP/1 and HTTP/2 of nginx and nghttpd."""
import os
import subprocess

import lab

NGINX = '''
user root; worker_processes 1; daemon off; pid %(dir)s/nginx.pid; error_log %(dir)s/error.log;
events { }
http {
	access_log %(dir)s/access.log;
	client_body_temp_path %(dir)s/body; proxy_temp_path %(dir)s/proxy; fastcgi_temp_path %(dir)s/fastcgi;
	uwsgi_temp_path %(dir)s/uwsgi; scgi_temp_path %(dir)s/scgi;
	types { text/html html; application/json json; }
	server {
		listen 8080; listen 8082 http2; root %(dir)s/www;
		location /users/ { default_type application/json; return 200 '{"user":"$uri"}'; }
		location /fail { return 500 'broken'; }
		location /busy { return 503; }
		location /away { return 302 /index.html; }
		location /teapot { return 418; }
		location /dead { proxy_pass http://127.0.0.1:9; }
		location /upload { proxy_pass http://127.0.0.1:8081; client_max_body_size 20k; }
		location /zip { gzip on; gzip_min_length 1; gzip_http_version 1.0; alias %(dir)s/www/; }
	}
	server {
		listen 8081;
		location /upload { return 201 'stored'; }
	}
}
'''


def nginx():
    lab.need('nginx', 'curl')
    os.mkdir(lab.folder() + '/www')
    lab.write('www/index.html', '<p>hello</p>\n')
    lab.write('www/large.html', 'x' * 6000)
    lab.write('www/list.json', '[1, 2, 3]\n')
    lab.serve(['nginx', '-p', lab.folder(), '-c', lab.write('nginx.conf', NGINX % {'dir': lab.folder()})], 8080)


def curl(*argv, ok=(0,), **more):
    return lab.client(['curl', '-sS', '-m', '10', *argv], ok=ok, **more)


AT = 'http://127.0.0.1:8080'
TRACE = 'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'


def methods():
    """Methods and statuses, kept alive; a body that is sent on to another server (HTTP/1.0)."""
    nginx()
    with lab.capture(8080, 8081):
        curl(AT + '/index.html', AT + '/users/42?token=secret', AT + '/list.json', AT + '/missing',
             AT + '/fail', AT + '/busy', AT + '/away', AT + '/teapot', AT + '/dead')
        curl('-I', AT + '/large.html')
        curl('-X', 'DELETE', AT + '/users/42')
        curl('-X', 'OPTIONS', AT + '/index.html')
        curl('-X', 'PATCH', '-d', '{"a":1}', AT + '/users/7')
        curl('-d', 'name=value&other=2', AT + '/upload', '-H', 'Expect:')
        curl('-H', TRACE, '-A', 'shop/1.2', '-H', 'Host: shop.example', AT + '/users/9')
        curl('-r', '0-99', AT + '/large.html')
        curl('-H', 'If-Modified-Since: Fri, 01 Jan 2055 00:00:00 GMT', AT + '/index.html')


def bodies():
    """Chunked both ways, compressed, 100-continue, too large, until the connection's end."""
    nginx()
    big = lab.write('big', 'y' * 12000)
    with lab.capture(8080):
        curl('--compressed', AT + '/zip/large.html', AT + '/zip/index.html')
        curl('-H', 'Transfer-Encoding: chunked', '-d', '@' + big, AT + '/upload')
        curl('-H', 'Expect: 100-continue', '-T', big, AT + '/upload')
        curl('-H', 'Expect: 100-continue', '-d', 'z' * 25000, AT + '/upload')
        curl('-0', '--compressed', AT + '/zip/large.html')
        curl('-0', AT + '/index.html')


def pipelined():
    """Requests sent without waiting; one split anywhere; ones that are none."""
    nginx()
    get = 'GET /%s HTTP/1.1\r\nHost: a.example\r\n\r\n'
    with lab.capture(8080):
        c = lab.Raw(8080)
        c.say(get % 'index.html' + get % 'users/1' + 'HEAD /large.html HTTP/1.1\r\nHost: a.example\r\n\r\n' +
              get % 'missing' + 'POST /users/2 HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello' +
              get % 'list.json')
        for part in ('GE', 'T /users/3 HTT', 'P/1.1\r\nHo', 'st: a.example\r', '\n\r', '\n'):
            c.say(part, 0.05)
        c.say('GET /index.html HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n')
        c.close()
        for wrong in ('GET /index.html HTTP/1.1\r\n\r\n', 'NONSENSE\r\n\r\n',
                      'GET / HTTP/1.1\r\nHost: a\r\nX: ' + 'h' * 9000 + '\r\n\r\n'):
            c = lab.Raw(8080)
            c.say(wrong)
            c.close()


def http2():
    """HTTP/2 without TLS by prior knowledge: curl, h2load one after the other, nghttp at once."""
    lab.need('nghttp', 'h2load')
    nginx()
    at = 'http://127.0.0.1:8082'
    with lab.capture(8082):
        # One connection each: curl 7.88 cannot use one again without an upgrade or TLS.
        for path in ('/index.html', '/users/42', '/missing', '/fail'):
            curl('--http2-prior-knowledge', at + path, '-H', TRACE)
        # Answered and reset before its body is there.
        curl('--http2-prior-knowledge', '-d', 'a=1', at + '/users/1', ok=(0, 92))
        curl('--http2-prior-knowledge', '-d', 'q' * 9000, at + '/upload')
        curl('--http2-prior-knowledge', '-X', 'DELETE', at + '/users/3')
        lab.client(['h2load', '-c', '1', '-m', '1', '-n', '6', at + '/users/6', at + '/busy', at + '/list.json'])
        lab.client(['nghttp', '-n', at + '/large.html', at + '/index.html', at + '/users/5', at + '/list.json',
                    at + '/missing'])


def h2c_upgrade():
    """HTTP/1.1 that becomes HTTP/2, and HTTP/2 from the beginning, at a proxy that speaks HTTP/1.1 behind."""
    lab.need('nghttpx', 'nghttp')
    nginx()
    lab.serve(['nghttpx', '--frontend=127.0.0.1,8083;no-tls', '--backend=127.0.0.1,8080', '--workers=1',
               '--conf=/dev/null', '--errorlog-file=' + lab.folder() + '/nghttpx.err'], 8083)
    with lab.capture(8083):
        lab.client(['nghttp', '-nu', 'http://127.0.0.1:8083/index.html', 'http://127.0.0.1:8083/missing'])
        lab.client(['nghttp', '-n', 'http://127.0.0.1:8083/users/1'])
        curl('http://127.0.0.1:8083/users/2')


def trailers():
    """HTTP/2 with trailers, and a push that nobody asked for."""
    lab.need('nghttpd', 'nghttp')
    lab.write('index.html', '<p>hello</p>\n')
    lab.write('style.css', 'p { color: red }\n')
    lab.serve(['nghttpd', '--no-tls', '-d', lab.folder(), '--trailer', 'checksum: 77',
               '-p', '/index.html=/style.css', '8083'], 8083)
    with lab.capture(8083):
        lab.client(['nghttp', '-n', 'http://127.0.0.1:8083/index.html', 'http://127.0.0.1:8083/missing'])
        lab.client(['nghttp', '-n', '-d', lab.write('body', 'b' * 100), '--trailer', 'end: 1',
                    'http://127.0.0.1:8083/index.html'])


GRPC_SERVER = '''
import grpc, sys, time
from concurrent import futures
raw = dict(request_deserializer=None, response_serializer=None)
def hello(request, ctx):
    ctx.set_trailing_metadata((('served-by', 'one'),))
    return b'\\n\\x05hello'
def missing(request, ctx):
    ctx.abort(grpc.StatusCode.NOT_FOUND, 'no such thing: %')
def slow(request, ctx):
    time.sleep(1)
    return b''
def count(request, ctx):
    for i in range(3):
        yield bytes([8, i])
def collect(requests, ctx):
    return bytes([8, len(list(requests))])
def chat(requests, ctx):
    for r in requests:
        yield r
class All(grpc.GenericRpcHandler):
    def service(self, call):
        return {
            '/demo.Greeter/Hello': grpc.unary_unary_rpc_method_handler(hello, **raw),
            '/demo.Greeter/Missing': grpc.unary_unary_rpc_method_handler(missing, **raw),
            '/demo.Greeter/Slow': grpc.unary_unary_rpc_method_handler(slow, **raw),
            '/demo.Greeter/Count': grpc.unary_stream_rpc_method_handler(count, **raw),
            '/demo.Greeter/Collect': grpc.stream_unary_rpc_method_handler(collect, **raw),
            '/demo.Greeter/Chat': grpc.stream_stream_rpc_method_handler(chat, **raw),
        }.get(call.method)
s = grpc.server(futures.ThreadPoolExecutor(4), handlers=[All()])
s.add_insecure_port('127.0.0.1:50051')
s.start()
s.wait_for_termination()
'''

GRPC_CLIENT = '''
import grpc
c = grpc.insecure_channel('127.0.0.1:50051')
def say(call):
    try:
        return call()
    except grpc.RpcError as e:
        return e.code()
meta = (('traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'),)
for i in range(3):
    print(say(lambda: c.unary_unary('/demo.Greeter/Hello')(b'\\n\\x01x', metadata=meta)))
print(say(lambda: c.unary_unary('/demo.Greeter/Missing')(b'')))
print(say(lambda: c.unary_unary('/demo.Greeter/Unknown')(b'')))
print(say(lambda: c.unary_unary('/demo.Greeter/Slow')(b'', timeout=0.3)))
print(say(lambda: list(c.unary_stream('/demo.Greeter/Count')(b''))))
print(say(lambda: c.stream_unary('/demo.Greeter/Collect')(iter([b'a', b'bb', b'c' * 3000]))))
print(say(lambda: list(c.stream_stream('/demo.Greeter/Chat')(iter([b'1', b'22'])))))
fs = [c.unary_unary('/demo.Greeter/Hello').future(b'%d' % i) for i in range(5)]
print([f.result() for f in fs])
c.close()
'''


def grpc():
    """gRPC: all four kinds of call, errors, a deadline, several at once."""
    if subprocess.run(['/usr/bin/python3', '-c', 'import grpc'], capture_output=True).returncode:
        raise lab.Missing('python3-grpcio')
    lab.serve(['/usr/bin/python3', lab.write('server.py', GRPC_SERVER)], 50051)
    with lab.capture(50051):
        lab.client(['/usr/bin/python3', lab.write('client.py', GRPC_CLIENT)])


CAPTURES = {
    'http/nginx-methods': methods,
    'http/nginx-bodies': bodies,
    'http/nginx-pipelined': pipelined,
    'http/nginx-http2': http2,
    'http/nghttpx-upgrade': h2c_upgrade,
    'http/nghttpd-trailers': trailers,
    'http/grpc-calls': grpc,
}
