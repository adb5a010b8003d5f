"""Kafka: kcat at the brokers that librdkafka makes up within itself; broker and client are one process."""
import lab


def mock():
    """Produce and fetch through kcat at a mock cluster of its own."""
    lab.need('kcat', 'ss')
    lab.write('in', ''.join('key%d:value %d\n' % (i, i) for i in range(5)))
    with lab.capture(what='tcp and portrange 1024-65535'):
        lab.client(['kcat', '-b', 'unused', '-X', 'test.mock.num.brokers=2', '-X', 'client.id=shop', '-P', '-t',
                    'orders', '-K', ':', '-l', 'in'], ok=None, timeout=30)
        lab.client(['kcat', '-b', 'unused', '-X', 'test.mock.num.brokers=1', '-X', 'client.id=shop', '-C', '-t',
                    'orders', '-o', 'beginning', '-e'], ok=None, timeout=30)
        lab.client(['kcat', '-b', 'unused', '-X', 'test.mock.num.brokers=1', '-X', 'client.id=shop', '-L'],
                   ok=None, timeout=30)


def group():
    """A consumer group."""
    lab.need('kcat')
    with lab.capture(what='tcp and portrange 1024-65535'):
        try:
            lab.client(['kcat', '-b', 'unused', '-X', 'test.mock.num.brokers=1', '-X', 'client.id=billing', '-X',
                        'session.timeout.ms=6000', '-G', 'billers', 'orders'], ok=None, timeout=8)
        except Exception:
            pass


CAPTURES = {
    'kafka/kcat-mock': mock,
    'kafka/kcat-group': group,
}
