"""NATS: nats-server, spoken to by hand."""
import time

import lab

PORT = 4222


def server(*argv):
    lab.need('nats-server')
    lab.serve(['nats-server', '-a', '127.0.0.1', '-p', str(PORT), *argv], PORT)


def connect(extra=''):
    c = lab.Raw(PORT)
    c.hear()
    c.say('CONNECT {"verbose":false,"pedantic":false,"lang":"python","version":"1","name":"shop",'
          '"headers":true%s}\r\nPING\r\n' % extra)
    return c


def pub(subject, body, reply=''):
    return 'PUB %s%s %d\r\n%s\r\n' % (subject, ' ' + reply if reply else '', len(body), body)


def hpub(subject, headers, body):
    head = 'NATS/1.0\r\n' + ''.join('%s: %s\r\n' % h for h in headers) + '\r\n'
    return 'HPUB %s %d %d\r\n%s%s\r\n' % (subject, len(head), len(head) + len(body), head, body)


def messages():
    """Messages with and without headers, wildcards, queue groups, a request and its answer, one without."""
    server()
    with lab.capture(PORT):
        sub, queue, asker = connect(), connect(), connect(',"no_responders":true')
        sub.say('SUB orders.* 1\r\nSUB news.> 2\r\n')
        queue.say('SUB orders.* workers 7\r\nSUB time.now 8\r\n')
        asker.say(pub('orders.new', 'one') + pub('orders.new', 'two') + pub('nobody', '') +
                  pub('news.today.sport', 'n' * 3000))
        asker.say(hpub('orders.paid', [('traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01')],
                       'three'))
        for part in ('PU', 'B orders.new 4\r', '\nfo', 'ur\r\n'):
            asker.say(part, 0.05)
        asker.say('SUB _INBOX.a.* 9\r\n' + pub('time.now', 'now?', '_INBOX.a.1'))
        queue.hear()
        queue.say(pub('_INBOX.a.1', '12:00'))
        asker.hear()
        asker.say(pub('no.such.service', 'x', '_INBOX.a.2'))
        sub.say('UNSUB 1\r\nUNSUB 2 1\r\nPING\r\n')
        for c in (sub, queue, asker):
            c.close()


def errors():
    """Verbose answers, and what the server refuses."""
    server()
    with lab.capture(PORT):
        c = lab.Raw(PORT)
        c.say('CONNECT {"verbose":true,"pedantic":true,"name":"talker"}\r\n')
        c.say('SUB a 1\r\n' + pub('a', 'x') + 'PING\r\n')
        c.say(pub('bad..subject', 'x'))
        c.close()
        for wrong in ('NONSENSE\r\n', 'PUB a 99999999\r\n', 'SUB\r\n'):
            c = connect()
            c.say(wrong)
            c.close()


def login():
    """A password: missing, wrong, right."""
    server('--user', 'shop', '--pass', 'sesame')
    with lab.capture(PORT):
        for extra in ('', ',"user":"shop","pass":"wrong"', ',"user":"shop","pass":"sesame"'):
            try:
                c = connect(extra)
                c.say(pub('a', 'x') + 'PING\r\n')
                c.close()
            except OSError:
                pass
        time.sleep(0.3)


CAPTURES = {
    'nats/nats-messages': messages,
    'nats/nats-errors': errors,
    'nats/nats-login': login,
}
