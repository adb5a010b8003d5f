"""What the client's pod says to NATS, spoken by hand: publish, subscribe, ask and answer, headers, what is refused."""
import socket
import sys
import time

HOST = sys.argv[1]
HELLO = 'CONNECT {"verbose":false,"pedantic":false,"lang":"python","version":"1","name":"%s","headers":true}\r\n'


class Client:
    def __init__(self, name):
        self.s = socket.create_connection((HOST, 4222))
        self.s.settimeout(10)
        self.buf = b''
        self.hear(b'INFO')
        self.say(HELLO % name + 'PING\r\n')
        self.hear(b'PONG')

    def say(self, text):
        self.s.sendall(text.encode())

    def hear(self, what):
        """Until a line begins with @what. -> it"""
        while True:
            while b'\r\n' not in self.buf:
                got = self.s.recv(65536)
                if not got:
                    raise SystemExit('closed')
                self.buf += got
            line, self.buf = self.buf.split(b'\r\n', 1)
            if line.startswith(what):
                return line.decode()


def pub(subject, body, reply=''):
    return 'PUB %s%s %d\r\n%s\r\n' % (subject, ' ' + reply if reply else '', len(body), body)


worker, shop, many = Client('worker'), Client('shop'), Client('many')
worker.say('SUB orders.* workers 1\r\nSUB price.get 2\r\nPING\r\n')
worker.hear(b'PONG')
for i in range(50):
    shop.say(pub('orders.new', 'order %d' % i))
    worker.hear(b'MSG orders.new')
shop.say('SUB _INBOX.abc.* 9\r\n')
for i in range(30):
    shop.say(pub('price.get', 'item %d' % i, '_INBOX.abc.%d' % i))
    reply = worker.hear(b'MSG price.get').split()[3]
    worker.say(pub(reply, '1.50'))
    shop.hear(b'MSG _INBOX')
for i in range(10):
    shop.say('HPUB orders.head %d %d\r\nNATS/1.0\r\nkind: new\r\n\r\nbody %d\r\n' % (23, 29, i))
    worker.hear(b'HMSG orders.head')
for k in range(10):
    many.say(''.join(pub('metrics.cpu', 'v' * (i % 200)) for i in range(50)) + 'PING\r\n')
    many.hear(b'PONG')
many.say(pub('big.one', 'b' * 200000))
time.sleep(0.2)
many.say('PING\r\n')
many.hear(b'PONG')
bad = Client('bad')
bad.say('NONSENSE\r\n')
bad.hear(b'-ERR')
time.sleep(0.2)
