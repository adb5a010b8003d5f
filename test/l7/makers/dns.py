"""DNS: unbound with names of its own and a dead end, dnsmasq; dig asks."""
import lab

UNBOUND = '''
server:
	interface: 127.0.0.1@%(port)d
	chroot: ""
	username: ""
	directory: "%(dir)s"
	pidfile: "%(dir)s/unbound.pid"
	do-daemonize: no
	use-syslog: no
	module-config: "iterator"
	local-zone: "shop.example." static
	local-data: "shop.example. A 192.0.2.1"
	local-data: "shop.example. MX 10 mail.shop.example."
	local-data: "shop.example. NS ns.shop.example."
	local-data: "shop.example. SOA ns.shop.example. admin.shop.example. 1 3600 600 86400 60"
	local-data: "api.shop.example. A 192.0.2.2"
	local-data: "api.shop.example. A 192.0.2.3"
	local-data: "api.shop.example. AAAA 2001:db8::2"
	local-data: "www.shop.example. CNAME api.shop.example."
	local-data: "_http._tcp.shop.example. SRV 0 5 8080 api.shop.example."
	local-data: "text.shop.example. TXT 'v=spf1 -all' 'second'"
	local-data: "big.shop.example. TXT '%(big)s'"
	local-data: "big.shop.example. TXT '%(big)s2'"
	local-data: "big.shop.example. TXT '%(big)s3'"
	local-data-ptr: "192.0.2.2 api.shop.example"
	local-zone: "refused.example." refuse
forward-zone:
	name: "dead.example."
	forward-addr: 127.0.0.1@9
'''
PORT = 53


def dig(*argv):
    return lab.client(['dig', '@127.0.0.1', '-p', str(PORT), '+tries=1', '+time=5', *argv], ok=None)


def unbound():
    lab.need('unbound', 'dig')
    conf = lab.write('unbound.conf', UNBOUND % {'dir': lab.folder(), 'port': PORT, 'big': 'b' * 240})
    lab.serve(['unbound', '-d', '-c', conf], PORT)


def udp():
    """Types and results over UDP; an answer that is cut, asked for again over TCP."""
    unbound()
    with lab.capture(PORT, what=None):
        for name, kind in (('shop.example', 'A'), ('api.shop.example', 'A'), ('api.shop.example', 'AAAA'),
                           ('www.shop.example', 'A'), ('shop.example', 'MX'), ('shop.example', 'SOA'),
                           ('shop.example', 'NS'), ('_http._tcp.shop.example', 'SRV'),
                           ('text.shop.example', 'TXT'), ('2.2.0.192.in-addr.arpa', 'PTR'),
                           ('missing.shop.example', 'A'), ('api.shop.example', 'TXT'),
                           ('refused.example', 'A'), ('x.dead.example', 'A'), ('Api.SHOP.example', 'A'),
                           ('api.shop.example', 'HTTPS'), ('shop.example', 'ANY')):
            dig(name, kind)
        dig('+noedns', 'api.shop.example')
        dig('+noedns', 'big.shop.example', 'TXT')


def tcp():
    """Over TCP: one a connection, and several in one."""
    unbound()
    with lab.capture(PORT):
        dig('+tcp', 'api.shop.example', 'A')
        dig('+tcp', 'missing.shop.example', 'AAAA')
        dig('+tcp', 'big.shop.example', 'TXT')
        dig('+tcp', '+keepopen', 'shop.example', 'A', '+tcp', 'shop.example', 'MX', '+tcp', 'x.dead.example', 'A')
        c = lab.Raw(PORT)
        asked = b''
        for i in range(3):
            q = bytes([0x10, i]) + bytes.fromhex('01000001000000000000') + \
                [b'\3api', b'\3www', b'\3not'][i] + b'\4shop\7example\0\0\1\0\1'
            asked += len(q).to_bytes(2, 'big') + q
        c.say(asked)
        c.close()


def dnsmasq():
    """dnsmasq: what it knows, what it must not ask others for, what it has nobody to ask for."""
    lab.need('dnsmasq', 'dig')
    lab.serve(['dnsmasq', '-k', '-C', '/dev/null', '-p', str(PORT), '--no-resolv', '--no-hosts', '--user=root',
               '--listen-address=127.0.0.1', '--bind-interfaces', '--host-record=db.svc,10.1.2.3,fd00::3',
               '--txt-record=note.svc,one,two', '--srv-host=_sql._tcp.svc,db.svc,5432',
               '--local=/svc/', '--address=/wild.test/10.9.9.9'], PORT)
    with lab.capture(PORT, what=None):
        for name, kind in (('db.svc', 'A'), ('db.svc', 'AAAA'), ('note.svc', 'TXT'), ('_sql._tcp.svc', 'SRV'),
                           ('nothing.svc', 'A'), ('a.b.wild.test', 'A'), ('elsewhere.example', 'A')):
            dig(name, kind)


CAPTURES = {
    'dns/unbound-udp': udp,
    'dns/unbound-tcp': tcp,
    'dns/dnsmasq': dnsmasq,
}
