"""RabbitMQ, asked by pika; its management plugin counts messages."""
import collections
import json
import os
import time
import urllib.request

import node


class RabbitMq(node.Server):
    name, protocol, ports = 'rabbitmq', 'amqp', (5672,)
    needs, module = ('rabbitmq-server', 'rabbitmqctl'), 'pika'
    user, memory = 'rabbitmq', 1024
    FILES = {'enabled': '[rabbitmq_management].\n',
             'rabbitmq.conf': 'listeners.tcp.default = 5672\nmanagement.tcp.port = 15672\nloopback_users = none\n'
                              'collect_statistics_interval = 500\nlog.file = false\n'}
    # What porthole's requests are called in message_stats; the counter counts those that went through.
    COUNTED = {'basic.publish': 'publish', 'basic.ack': 'ack', 'basic.return': 'return_unroutable'}

    def prepare(self, p):
        for name, text in self.FILES.items():
            p.write(name, text)

    def command(self):
        env = {'HOME': '/data', 'RABBITMQ_NODENAME': 'rabbit@localhost', 'RABBITMQ_MNESIA_BASE': '/data',
               'RABBITMQ_LOG_BASE': '/data', 'RABBITMQ_CONFIG_FILE': '/data/rabbitmq',
               'RABBITMQ_ENABLED_PLUGINS_FILE': '/data/enabled', 'RABBITMQ_PID_FILE': '/data/pid',
               'RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS': '+S 2:2'}
        # The package's wrapper wants to become the user itself: the program behind it does not.
        return ['env'] + ['%s=%s' % i for i in env.items()] + ['/usr/lib/rabbitmq/bin/rabbitmq-server']

    def up(self, p):
        p.listens(15672)

    def stats(self):
        """message_stats of its management plugin; asked from within the server's pod."""
        text = self.pod.exec(node.PYTHON, '-c', 'import urllib.request as u; r = u.Request('
                             '"http://127.0.0.1:15672/api/overview", headers={"Authorization": "Basic Z3Vlc3Q6Z3Vlc3Q="});'
                             'print(u.urlopen(r).read().decode())')
        return json.loads(text).get('message_stats', {})

    def settled(self):
        """They come some hundred milliseconds later: until they stand still."""
        last = None
        for _ in range(20):
            now = {k: v for k, v in self.stats().items() if isinstance(v, int)}
            if now == last:
                break
            last = now
            time.sleep(1)
        return collections.Counter(last)

    def begin(self):
        self.before = self.settled()

    def log(self):
        now = self.settled()
        now.subtract(self.before)
        keys = ('publish', 'get', 'get_empty', 'deliver', 'return_unroutable')
        return collections.Counter({(k,): now[k] for k in keys if now[k]})

    def told(self, r):
        method = r['req.method']
        if method == 'basic.publish':
            yield 'publish',
        if method == 'basic.get':
            yield 'get_empty' if r.get('req.status') == 'EMPTY' else 'get',
        if method == 'basic.deliver':
            yield 'deliver',
        if method == 'basic.return':
            yield 'return_unroutable',


SERVER = RabbitMq
