"""AMQP 0-9-1: RabbitMQ and python3-pika."""
import os
import subprocess

import lab

PORT = 5672

CLIENT = '''
import pika, sys
p = pika.ConnectionParameters('127.0.0.1', 5672, '/', pika.PlainCredentials('guest', sys.argv[1]),
                              client_properties={'connection_name': 'shop'})
try:
    c = pika.BlockingConnection(p)
except pika.exceptions.AMQPError as e:
    print(type(e).__name__)
    sys.exit()
ch = c.channel()
ch.exchange_declare('sales', 'topic')
ch.queue_declare('orders')
ch.queue_bind('orders', 'sales', 'order.*')
for i in range(3):
    ch.basic_publish('sales', 'order.new', b'order %d' % i, pika.BasicProperties(content_type='text/plain',
        headers={'traceparent': '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'}))
ch.basic_publish('', 'orders', b'd' * 6000)
m, props, body = ch.basic_get('orders')
ch.basic_ack(m.delivery_tag)
ch.queue_declare('empty', exclusive=True)
print(ch.basic_get('empty'))
ch.basic_qos(prefetch_count=2)
n = 0
for m, props, body in ch.consume('orders', inactivity_timeout=1):
    if m is None:
        break
    n += 1
    ch.basic_nack(m.delivery_tag, requeue=False) if n == 2 else ch.basic_ack(m.delivery_tag)
ch.cancel()
ch.queue_purge('orders')
ch.tx_select()
ch.basic_publish('sales', 'order.tx', b'in a transaction')
ch.tx_commit()
conf = c.channel()
conf.confirm_delivery()
conf.basic_publish('sales', 'order.sure', b'confirmed')
try:
    conf.basic_publish('sales', 'nobody.listens', b'returned', mandatory=True)
except pika.exceptions.UnroutableError:
    print('returned')
for wrong in (lambda x: x.queue_declare('nowhere', passive=True), lambda x: x.queue_declare('orders', durable=True),
              lambda x: x.basic_publish('nowhere', 'k', b'x') or x.queue_declare('orders')):
    x = c.channel()
    try:
        wrong(x)
    except pika.exceptions.AMQPError as e:
        print(e)
ch.queue_delete('orders')
ch.exchange_delete('sales')
c.close()
'''


def rabbitmq():
    lab.need('rabbitmq-server')
    if subprocess.run(['/usr/bin/python3', '-c', 'import pika'], capture_output=True).returncode:
        raise lab.Missing('python3-pika')
    here = lab.folder(owner='rabbitmq')
    lab.write('enabled', '[].\n')
    lab.write('rabbitmq.conf', 'listeners.tcp.default = 127.0.0.1:%d\n' % PORT)
    env = {**os.environ, 'HOME': here, 'RABBITMQ_NODENAME': 'captures@localhost', 'RABBITMQ_MNESIA_BASE': here,
           'RABBITMQ_LOG_BASE': here, 'RABBITMQ_CONFIG_FILE': here + '/rabbitmq', 'RABBITMQ_DIST_PORT': '25673',
           'RABBITMQ_ENABLED_PLUGINS_FILE': here + '/enabled', 'RABBITMQ_PID_FILE': here + '/pid',
           'ERL_EPMD_ADDRESS': '127.0.0.1'}
    # The package's wrapper wants to become the user itself: the program behind it does not.
    lab.serve(['/usr/lib/rabbitmq/bin/rabbitmq-server'], PORT, user='rabbitmq', env=env)


def methods():
    """Declare, publish, get, consume, confirm, transactions; channels that the server closes; a wrong password."""
    rabbitmq()
    with lab.capture(PORT):
        lab.client(['/usr/bin/python3', lab.write('client.py', CLIENT), 'guest'])
        lab.client(['/usr/bin/python3', lab.write('client.py', CLIENT), 'wrong'])


CAPTURES = {
    'amqp/rabbitmq-pika': methods,
}
