"""The table of protocols: which of tshark's messages are requests, and what porthole must have of them.

Each class: Judge reads tshark's messages; asked(r), status(r): the same keys from a request of porthole's JSON;
DEFAULT: as what tshark shall read the servers' ports. Keys leave out what the two do not say alike.
"""
import re

import tshark

# Captures that tshark must be told more about: {port: its name of the protocol}.
DECODE = {
    'http/nginx-http2': {8082: 'http2'},
    'http/nghttpd-trailers': {8083: 'http2'},
    'http/grpc-calls': {50051: 'http2'},
    'http/grpc-segmented': {20035: 'http2'},
    'http/grpc-unknown': {7000: 'http2'},
    'http/http2-multi': {3550: 'http2'},
    'http/httpv2-stream-id': {11800: 'http2'},
}

# What neither reads, and why.
UNREAD = {
    'mysql/mariadb-compressed': 'the compressed protocol: nothing but the login is told',
    'mysql/mysql-use': 'the compressed protocol, met midway',
    'mysql/partial-packet-compressed': 'the compressed protocol, met midway',
    'http/httpv2-stream-id': 'one packet of a connection met midway, which refers to what was said before',
}

# What porthole has less of, how many, and why that is right.
LESS = {
    'mysql/171-mysql': ({('PING',): 12}, 'before the first statement nothing tells that port 20130 is MySQL: '
                                         'two pings of each of six connections that were met midway'),
    'redis/pipelined': ({'ERR': 1}, 'the answer to a length of -5, which is no command'),
    'http/grpc-calls': ({'DEADLINE_EXCEEDED': 1}, 'the client has reset the call before the server says so'),
    'http/grpc-unknown': ({'200': 1}, 'a call of gRPC, which tshark does not see: its status is not HTTP\'s'),
    'http/nghttpd-trailers': ({'200': 2}, 'answers to what nobody asked for (pushes)'),
    'http/nghttpx-upgrade': ({'101': 1}, 'a request that asks for HTTP/2 has its answer there: one status, not two'),
    'http/nginx-pipelined': ({'400': 1}, 'the answer to a line that is no request'),
}

SQL_WORDS = set('''SELECT INSERT UPDATE DELETE CREATE DROP ALTER BEGIN COMMIT ROLLBACK SET SHOW CALL LOAD USE COPY
    EXPLAIN DO LISTEN NOTIFY DECLARE FETCH CLOSE TRUNCATE REPLACE'''.split())


def verb(statement):
    """The first word; None where it alone does not tell what a statement is (WITH ...)."""
    text = re.sub(r'^(\s|/\*.*?\*/|--[^\n]*\n|\()*', '', statement, flags=re.S)
    word = re.match(r'[A-Za-z]*', text).group().upper()
    return word if word in SQL_WORDS else None


class Protocol:
    DEFAULT = None

    @staticmethod
    def asked(r):
        yield r.get('req.method', ''), r.get('req.resource')

    @staticmethod
    def status(r):
        if r.get('req.status') is not None:
            yield r['req.status']


class Http(Protocol):
    """HTTP/1, HTTP/2, gRPC, and WebSocket's messages after an upgrade."""
    DEFAULT = 'http'
    GRPC = '''OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED
        RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS
        UNAUTHENTICATED'''.split()

    class Judge(tshark.Judge):
        protos = ('http', 'http2')

        def __init__(self):
            super().__init__()
            self.calls = set()  # streams that are gRPC's

        def message(self, m):
            if m.element.get('name') == 'http2':
                for frame in m.parts('http2.stream'):
                    self.frame(frame)
                return
            if m.one('http.request.method'):
                self.ask(m.one('http.request.method'), m.one('http.request.uri').partition('?')[0])
            code = m.one('http.response.code')
            if code and (code == '101' or code[0] != '1'):
                self.answer(code)

        def frame(self, m):
            head = {}
            for f in m.parts('http2.header'):
                if f.one('http2.header.name'):
                    head[f.one('http2.header.name')] = f.one('http2.header.value')
            stream = m.packet.stream, m.one('http2.streamid')
            # A head of a connection met midway may name what was said before.
            if ':method' in head and ':path' in head and m.one('http2.type') == '1':
                path = head[':path'].partition('?')[0]
                if head.get('content-type', '').startswith('application/grpc'):
                    self.calls.add(stream)
                    self.ask('grpc', path[1:])
                else:
                    self.ask(head[':method'], path)
            if ':status' in head and head.get('content-type', '').startswith('application/grpc'):
                self.calls.add(stream)
            if ':status' in head and stream not in self.calls and head[':status'][0] != '1':
                self.answer(head[':status'])
            if 'grpc-status' in head:
                self.answer(Http.GRPC[int(head['grpc-status'])])

    @staticmethod
    def asked(r):
        yield 'grpc' if r['req.protocol'] == 'grpc' else r.get('req.method', ''), r.get('req.resource')


class WebSocket(Http):
    """The upgrade, and the messages of both ends by their kind."""
    KINDS = {'1': 'TEXT', '2': 'BINARY', '8': 'CLOSE', '9': 'PING', '10': 'PONG'}

    class Judge(Http.Judge):
        protos = ('http', 'websocket')

        def message(self, m):
            if m.element.get('name') != 'websocket':
                super().message(m)
            elif m.one('websocket.opcode') in WebSocket.KINDS:  # else it goes on with a message
                self.ask(WebSocket.KINDS[m.one('websocket.opcode')], '/chat')


class Dns(Protocol):
    RCODE = {0: 'NOERROR', 1: 'FORMERR', 2: 'SERVFAIL', 3: 'NXDOMAIN', 4: 'NOTIMP', 5: 'REFUSED'}
    TYPE = {1: 'A', 2: 'NS', 5: 'CNAME', 6: 'SOA', 12: 'PTR', 15: 'MX', 16: 'TXT', 28: 'AAAA', 33: 'SRV',
            65: 'HTTPS', 255: 'ANY'}

    class Judge(tshark.Judge):
        protos = ('dns',)

        def message(self, m):
            if m.one('dns.flags.response') in ('1', 'True'):
                if not m.one('dns.retransmit_response'):
                    self.answer(Dns.RCODE[int(m.one('dns.flags.rcode'), 0)])
            elif not m.one('dns.retransmit_request'):
                self.ask(Dns.TYPE[int(m.one('dns.qry.type'), 0)], m.one('dns.qry.name').lower())


class Postgres(Protocol):
    """Statements of Query and Parse by their verb, one for each Query and Execute; SQLSTATEs of errors."""
    DEFAULT = 'pgsql'

    class Judge(tshark.Judge):
        protos = ('pgsql',)

        def message(self, m):
            kind = m.label('pgsql.type')
            if m.one('pgsql.frontend') in ('1', 'True'):
                if kind == 'Simple query' and verb(m.one('pgsql.query')):
                    self.ask('simple', verb(m.one('pgsql.query')))
                if kind in ('Simple query', 'Execute'):
                    self.ask('any')
            elif kind == 'Error':
                self.answer(m.one('pgsql.code'))

    @staticmethod
    def asked(r):
        yield 'any',
        yield 'simple', r.get('req.method', '')

    @staticmethod
    def status(r):
        if r.get('req.status') not in (None, 'OK', 'error'):
            yield r['req.status']


class Mysql(Protocol):
    """Commands, statements by their verb; numbers of errors."""
    DEFAULT = 'mysql'
    COMMANDS = {1: 'QUIT', 2: 'INIT_DB', 9: 'STATISTICS', 14: 'PING', 17: 'CHANGE_USER', 26: 'RESET',
                27: 'SET_OPTION', 28: 'FETCH', 22: 'PREPARE'}
    QUERY, EXECUTE = 3, 23

    class Judge(tshark.Judge):
        protos = ('mysql',)

        def message(self, m):
            if m.one('mysql.command'):
                command = int(m.one('mysql.command'), 0)
                if command == Mysql.QUERY and verb(m.one('mysql.query')):
                    self.ask(verb(m.one('mysql.query')))
                if command in (Mysql.QUERY, Mysql.EXECUTE):
                    self.ask('any')
                if command in Mysql.COMMANDS:
                    self.ask(Mysql.COMMANDS[command])
            # 65535 is no error: MariaDB's report of progress.
            if m.one('mysql.error_code') not in (None, '65535'):
                self.answer(m.one('mysql.error_code'))

    @staticmethod
    def asked(r):
        yield r.get('req.method', ''),
        if r.get('req.method', '') not in Mysql.COMMANDS.values() and r['req.method'] != 'CONNECT':
            yield 'any',

    @staticmethod
    def status(r):
        if r.get('req.status') not in (None, 'OK'):
            yield r['req.status']


class Redis(Protocol):
    """Commands that are arrays, whole in what tshark sees of them; the first words of errors."""
    DEFAULT = 'resp'

    class Judge(tshark.Judge):
        protos = ('resp',)

        def message(self, m):
            if not m.packet.to_server:
                for text in m.all('resp.error'):
                    self.answer(text.partition(' ')[0])
                return
            for array in m.parts('resp.array'):
                words = array.all('resp.bulk_string.value')
                # It also shows what it has of a command whose rest comes with the next packet.
                if words and len(words) == int(array.one('resp.array.length') or 0):
                    self.ask(bytes.fromhex(words[0].replace(':', '')).decode().upper())

    @staticmethod
    def asked(r):
        yield r.get('req.method', '').partition(' ')[0],

    @staticmethod
    def status(r):
        if r.get('req.status') not in (None, 'OK', 'NIL'):
            yield r['req.status']


class Mongo(Protocol):
    """Commands of OP_MSG: the first element's name."""
    DEFAULT = 'mongo'

    class Judge(tshark.Judge):
        protos = ('mongo',)

        def message(self, m):
            if m.one('mongo.opcode') == '2013' and int(m.one('mongo.response_to'), 0) == 0:
                self.ask(m.one('mongo.element.name'))

    @staticmethod
    def asked(r):
        yield r.get('req.method', ''),

    @staticmethod
    def status(r):
        return ()


class Kafka(Protocol):
    """Calls by name, with their first topic; the first error of each answer, by number."""
    DEFAULT = 'kafka'

    class Judge(tshark.Judge):
        protos = ('kafka',)

        def message(self, m):
            if not m.packet.to_server:
                errors = [int(e) for e in m.all('kafka.error')]
                if errors:
                    self.answer(next((e for e in errors if e), 0))
            else:
                name = m.label('kafka.request_key')
                self.ask({'Offsets': 'ListOffsets'}.get(name, name))

    @staticmethod
    def asked(r):
        yield r.get('req.method', ''),

    @staticmethod
    def status(r):
        if r.get('req.code') is not None:
            yield r['req.code']


def inbox(subject):
    """Where answers go is made up each time: porthole leaves that out."""
    return '_INBOX' if subject and subject.startswith('_INBOX.') else subject


class Nats(Protocol):
    """tshark 4.0 has no dissector: its streams' bytes, read line by line here. What answers a request is none."""

    class Judge(tshark.Judge):
        def bytes(self, path, streams):
            for pieces in tshark.follow(path, streams):
                replies = set()
                for from_client, line in self.lines(pieces):
                    self.line(from_client, line, replies)

        @staticmethod
        def lines(pieces):
            """(from client, words) in the order in which they were whole."""
            waiting = {True: b'', False: b''}
            for from_client, data in pieces:
                buf = waiting[from_client] + data
                while b'\r\n' in buf:
                    line, rest = buf.split(b'\r\n', 1)
                    words = line.decode(errors='replace').split()
                    if words and words[0].upper() in ('PUB', 'HPUB', 'MSG', 'HMSG'):
                        n = int(words[-1]) + 2
                        if len(rest) < n:
                            break
                        rest = rest[n:]
                    if words:
                        yield from_client, words
                    buf = rest
                waiting[from_client] = buf

        def line(self, from_client, words, replies):
            op = words[0].upper()
            if op in ('PUB', 'HPUB', 'MSG', 'HMSG'):
                more = 5 if op == 'HMSG' else 4 if op in ('MSG', 'HPUB') else 3
                if len(words) > more:
                    replies.add(words[more - (2 if op[0] == 'H' else 1)])
                if words[1] in replies:
                    replies.discard(words[1])
                else:
                    self.ask(op.lstrip('H'), inbox(words[1]))
            elif from_client and op in ('SUB', 'CONNECT', 'PING') and (op != 'SUB' or len(words) > 2):
                self.ask(op, inbox(words[1]) if op == 'SUB' else None)
            elif op == '-ERR':
                self.answer('ERR')


    @staticmethod
    def asked(r):
        yield r.get('req.method', ''), inbox(r.get('req.resource'))


class Amqp(Protocol):
    """Methods with their names; the reply codes of what the server closes or returns."""
    DEFAULT = 'amqp'
    # They answer something, or tell of something that did.
    NOT_ASKED = re.compile(r'.*-ok|basic\.(n?ack|reject|get-empty)|connection\.(start|tune)')

    class Judge(tshark.Judge):
        protos = ('amqp',)

        def message(self, m):
            if not m.label('amqp.method.class'):
                return
            method = '%s.%s' % (m.label('amqp.method.class').lower(), self.method(m))
            server = not m.packet.to_server
            code = m.one('amqp.method.arguments.reply_code')
            if server and code and int(code) >= 300:
                self.answer(code)
            # A close by the server is the end of what it was about.
            if method != 'connection.start-ok' and Amqp.NOT_ASKED.fullmatch(method) or \
                    server and method.endswith('.close'):
                return
            self.ask(method, self.name(m, method))

        @staticmethod
        def method(m):
            return m.label('amqp.method.method').lower()

        @staticmethod
        def name(m, method):
            arg = lambda name: m.one('amqp.method.arguments.' + name) or ''
            if method in ('basic.publish', 'basic.deliver', 'basic.return'):
                return '/'.join(filter(None, (arg('exchange'), arg('routing_key'))))
            if method.startswith('exchange.'):
                return arg('exchange')
            if method.startswith('queue.') or method in ('basic.get', 'basic.consume'):
                return arg('queue')
            return None

    @staticmethod
    def asked(r):
        named = r.get('req.method', '').startswith(('exchange.', 'queue.')) or r['req.method'] in (
            'basic.publish', 'basic.deliver', 'basic.return', 'basic.get', 'basic.consume')
        yield r.get('req.method', ''), (r.get('req.resource') or '') if named else None

    @staticmethod
    def status(r):
        if r.get('req.status') not in (None, 'OK', 'EMPTY'):
            yield r['req.status']


PROTOCOLS = {
    'amqp': Amqp,
    'dns': Dns,
    'http': Http,
    'kafka': Kafka,
    'mongo': Mongo,
    'mysql': Mysql,
    'nats': Nats,
    'pgsql': Postgres,
    'redis': Redis,
    'websocket': WebSocket,
}
