"""What the client's pod asks the DNS server: dig over UDP and TCP, on two ports; the C library."""
import socket
import subprocess
import sys

HOST = sys.argv[1]
NAMES = (('shop.example', 'A'), ('api.shop.example', 'A'), ('api.shop.example', 'AAAA'), ('www.shop.example', 'A'),
         ('shop.example', 'MX'), ('shop.example', 'SOA'), ('text.shop.example', 'TXT'),
         ('2.2.0.192.in-addr.arpa', 'PTR'), ('missing.shop.example', 'A'), ('refused.example', 'A'),
         ('x.dead.example', 'A'), ('Api.SHOP.example', 'A'), ('api.shop.example', 'HTTPS'))


def dig(*args):
    subprocess.run(['dig', '@' + HOST, '+tries=1', '+time=5', *args], check=True, stdout=subprocess.DEVNULL)


for port in ('53', '5300'):
    for how in ('+notcp', '+tcp'):
        for name, kind in NAMES:
            dig('-p', port, how, name, kind)
    dig('-p', port, '+noedns', 'big.shop.example', 'TXT')   # cut, and asked again over TCP
    dig('-p', port, '+tcp', '+keepopen', 'shop.example', 'A', '+tcp', '+keepopen', 'shop.example', 'MX')
with open('/etc/resolv.conf') as f:
    assert HOST in f.read()
for name in ('api.shop.example', 'www.shop.example', 'missing.shop.example') * 5:
    try:
        socket.getaddrinfo(name, 80)
    except socket.gaierror:
        pass
# Several in one write, on the other port.
asked = b''
for i, name in enumerate((b'\3api', b'\3www', b'\3not')):
    q = bytes([0x10, i]) + bytes.fromhex('01000001000000000000') + name + b'\4shop\7example\0\0\1\0\1'
    asked += len(q).to_bytes(2, 'big') + q
with socket.create_connection((HOST, 5300)) as s:
    s.sendall(asked)
    got, n = b'', 0
    while n < 3:
        got += s.recv(65536)
        while len(got) >= 2 and len(got) >= 2 + int.from_bytes(got[:2], 'big'):
            got = got[2 + int.from_bytes(got[:2], 'big'):]
            n += 1
# A socket that is not connected, and answers with sendto and recvfrom.
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    for i in range(20):
        s.sendto(bytes([0x20, i]) + bytes.fromhex('01000001000000000000') + b'\3api\4shop\7example\0\0\1\0\1',
                 (HOST, 53 if i % 2 else 5300))
        s.recvfrom(4096)
