"""What the client's pod calls: unary, failing, streams each way, several at a time."""
import sys
import threading

import grpc

HOST = sys.argv[1]


def loop(k):
    with grpc.insecure_channel('%s:50051' % HOST, options=[('grpc.use_local_subchannel_pool', 1)]) as c:
        for i in range(30):
            c.unary_unary('/shop.Cart/Add')(b'\x08' + bytes([i]) * (i * 100 + 1))
        for i in range(5):
            try:
                c.unary_unary('/shop.Cart/Find')(b'\x08\x05')
            except grpc.RpcError:
                pass
        list(c.unary_stream('/shop.Cart/Watch')(b'\x08\x01'))
        c.stream_unary('/shop.Cart/Upload')(iter([b'u' * 4000] * 10))
        list(c.stream_stream('/shop.Cart/Talk')(iter([b't' * 100] * 10)))
        calls = [c.unary_unary('/shop.Cart/Add').future(b'\x08\x09') for _ in range(20)]
        for f in calls:
            f.result()


threads = [threading.Thread(target=loop, args=(k,)) for k in range(3)]
for t in threads:
    t.start()
for t in threads:
    t.join()
