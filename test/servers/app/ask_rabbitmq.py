"""What the client's pod does with RabbitMQ. -> what it did, as JSON"""
import sys
import threading

import pika

HOST, N = sys.argv[1], 60
TRACE = {'traceparent': '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'}


def connect(password='guest'):
    return pika.BlockingConnection(pika.ConnectionParameters(
        HOST, 5672, '/', pika.PlainCredentials('guest', password), client_properties={'connection_name': 'shop'}))


def produce(k):
    c = connect()
    ch = c.channel()
    ch.confirm_delivery()
    for i in range(N):
        ch.basic_publish('sales', 'order.new', b'order %d.%d ' % (k, i) + b'x' * (3000 if i % 20 == 0 else 40),
                         pika.BasicProperties(content_type='text/plain', headers=TRACE))
    c.close()


def consume(want):
    c = connect()
    ch = c.channel()
    ch.basic_qos(prefetch_count=10)
    n = 0
    for m, props, body in ch.consume('orders', inactivity_timeout=10):
        if m is None:
            raise SystemExit('only %d of %d came' % (n, want))
        n += 1
        ch.basic_nack(m.delivery_tag, requeue=False) if n % 50 == 0 else ch.basic_ack(m.delivery_tag)
        if n == want:
            break
    ch.cancel()
    c.close()


c = connect()
ch = c.channel()
ch.exchange_declare('sales', 'topic')
ch.queue_declare('orders')
ch.queue_bind('orders', 'sales', 'order.*')
threads = [threading.Thread(target=produce, args=(k,)) for k in range(3)]
threads.append(threading.Thread(target=consume, args=(3 * N,)))
for t in threads:
    t.start()
for t in threads:
    t.join()
for i in range(5):
    ch.basic_publish('', 'orders', b'got %d ' % i + b'x' * 100000)
for i in range(7):
    m, props, body = ch.basic_get('orders')
    if m:
        ch.basic_ack(m.delivery_tag)
ch.tx_select()
ch.basic_publish('sales', 'order.tx', b'in a transaction')
ch.tx_commit()
ch.queue_purge('orders')
conf = c.channel()
conf.confirm_delivery()
try:
    conf.basic_publish('sales', 'nobody.listens', b'returned', mandatory=True)
except pika.exceptions.UnroutableError:
    pass
for wrong in (lambda x: x.queue_declare('nowhere', passive=True), lambda x: x.queue_declare('orders', durable=True)):
    x = c.channel()
    try:
        wrong(x)
    except pika.exceptions.AMQPError:
        pass
ch.queue_delete('orders')
ch.exchange_delete('sales')
c.close()
try:
    connect('wrong')
except pika.exceptions.AMQPError:
    pass
