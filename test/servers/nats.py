"""NATS: its log traces each operation of each connection."""
import collections
import re

import node
from protocols import inbox


class Nats(node.Server):
    name, protocol, ports = 'nats', 'nats', (4222,)
    needs = ('nats-server',)
    LINE = re.compile(r'\[TRC\] \S+ - cid:(\d+) - (?:"[^"]*" - )?(<<-|->>) \[(.*)\]$')

    def command(self):
        return ['nats-server', '-a', '0.0.0.0', '-p', '4222', '-V', '-l', '/data/log']

    def begin(self):
        self.at = node.size_of(self.pod, 'log')

    def operations(self):
        for m in map(self.LINE.search, node.lines_since(self.pod, 'log', self.at)):
            words = m and m[3].split()
            if words and words[0] in ('PUB', 'HPUB', 'MSG', 'HMSG', 'SUB', 'CONNECT', 'PING', '-ERR'):
                yield m[1], m[2] == '<<-', words

    def log(self):
        """Publishes by subject, deliveries by subject; an answer to a request is its request's."""
        found, asked = collections.Counter(), collections.defaultdict(set)
        for cid, came, words in self.operations():
            op, subject = words[0].lstrip('H'), words[1] if len(words) > 1 else None
            if op == 'CONNECT':
                found[op, None] += 1
            elif op in ('PUB', 'MSG'):
                more = {'PUB': 3, 'HPUB': 4, 'MSG': 4, 'HMSG': 5}[words[0]]
                if subject in asked[cid]:   # the answer to what this connection asked or was asked
                    asked[cid].discard(subject)
                    continue
                if len(words) > more:
                    asked[cid].add(words[more - (2 if words[0][0] == 'H' else 1)])
                found[op, inbox(subject)] += 1
        return found

    def told(self, r):
        if r['req.method'] in ('PUB', 'MSG', 'CONNECT'):
            yield r['req.method'], inbox(r.get('req.resource')) if r['req.method'] != 'CONNECT' else None


SERVER = Nats
