"""unbound, on port 53 and on another one, over UDP and TCP; its log has each answer."""
import collections
import re

import node

CONF = '''
server:
	interface: 0.0.0.0@53
	interface: 0.0.0.0@5300
	access-control: 0.0.0.0/0 allow
	chroot: ""
	username: ""
	directory: "/data"
	pidfile: "/data/pid"
	do-daemonize: no
	use-syslog: no
	logfile: "/data/log"
	log-replies: yes
	module-config: "iterator"
	local-zone: "shop.example." static
	local-data: "shop.example. A 192.0.2.1"
	local-data: "shop.example. MX 10 mail.shop.example."
	local-data: "shop.example. SOA ns.shop.example. admin.shop.example. 1 3600 600 86400 60"
	local-data: "api.shop.example. A 192.0.2.2"
	local-data: "api.shop.example. A 192.0.2.3"
	local-data: "api.shop.example. AAAA 2001:db8::2"
	local-data: "www.shop.example. CNAME api.shop.example."
	local-data: "text.shop.example. TXT 'v=spf1 -all' 'second'"
	local-data: "big.shop.example. TXT '%(big)s'"
	local-data: "big.shop.example. TXT '%(big)s2'"
	local-data: "big.shop.example. TXT '%(big)s3'"
	local-data-ptr: "192.0.2.2 api.shop.example"
	local-zone: "refused.example." refuse
forward-zone:
	name: "dead.example."
	forward-addr: 127.0.0.1@9
''' % {'big': 'b' * 240}


class Dns(node.Server):
    name, protocol, ports = 'dns', 'dns', (53, 5300)
    needs = ('unbound', 'dig')
    decode = {5300: 'dns'}
    LINE = re.compile(r'info: [0-9.]+ (\S+)\. (\S+) IN (\S+) [0-9.]+ \d+ \d+')

    def start(self, node):
        super().start(node)
        node.resolver = self.pod.address_ip     # of all clients: they come later

    def prepare(self, p):
        p.write('unbound.conf', CONF)

    def command(self):
        return ['unbound', '-d', '-c', '/data/unbound.conf']

    def begin(self):
        self.at = node.size_of(self.pod, 'log')

    def log(self):
        lines = map(self.LINE.search, node.lines_since(self.pod, 'log', self.at))
        return collections.Counter((m[1].lower(), m[2], m[3]) for m in lines if m)

    def told(self, r):
        yield r.get('req.resource'), r['req.method'], r.get('req.status')


SERVER = Dns
