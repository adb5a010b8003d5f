"""nginx over HTTP/1 and HTTP/2: its access log has method, path, status and bytes of each request."""
import collections

import node

CONF = '''
worker_processes 2; daemon off; pid /data/pid; error_log /data/error.log;
events { }
http {
	log_format truth '$request_method $uri $status $bytes_sent $server_protocol $request_time';
	access_log /data/access.log truth;
	client_body_temp_path /tmp/body; proxy_temp_path /tmp/proxy; fastcgi_temp_path /tmp/fastcgi;
	uwsgi_temp_path /tmp/uwsgi; scgi_temp_path /tmp/scgi;
	types { text/html html; application/json json; }
	server {
		listen 8080; listen 8082 http2; root /data/www; client_max_body_size 2m;
		location /users/ { default_type application/json; return 200 '{"user":"$uri"}'; }
		location /fail { return 500 'broken'; }
		location /away { return 302 /index.html; }
		location /upload { proxy_pass http://127.0.0.1:8081; }
		location /zip { gzip on; gzip_min_length 1; alias /data/www/; }
	}
	server { listen 8081; access_log off; location /upload { return 201 'stored'; } }
}
'''


class Nginx(node.Server):
    name, protocol, ports = 'nginx', 'http', (8080, 8082)
    needs, user = ('nginx', 'curl', 'nghttp'), 'www-data'
    decode = {8082: 'http2'}

    def prepare(self, p):
        p.write('nginx.conf', CONF)
        __import__('os').mkdir(p.data + '/www')
        for name, text in (('index.html', '<p>hello</p>\n'), ('large.html', 'x' * 300000), ('list.json', '[1, 2]\n')):
            p.write('www/' + name, text)

    def command(self):
        return ['nginx', '-p', '/data', '-c', '/data/nginx.conf', '-e', '/data/error.log']

    def begin(self):
        self.at = node.size_of(self.pod, 'access.log')

    def rows(self):
        return [line.split() for line in node.lines_since(self.pod, 'access.log', self.at)]

    def log(self):
        return collections.Counter((r[0], r[1], int(r[2])) for r in self.rows())

    def told(self, r):
        yield r['req.method'], r.get('req.resource'), r.get('req.code')

    def more(self, at, check):
        # Of HTTP/2 nginx counts what belongs to no stream too.
        want = collections.Counter((r[0], r[1], int(r[3])) for r in self.rows() if r[4] != 'HTTP/2.0')
        for side, requests in at.items():
            got = collections.Counter((r['req.method'], r['req.resource'], r['req.response_bytes'])
                                      for r in requests if r['req.protocol'] == 'http')
            check(got == want, 'nginx: at the %s, the bytes of each answer' % side, got - want, want - got)


SERVER = Nginx
