"""A gRPC service, and a log of its calls: path, status."""
import concurrent.futures

import grpc

log = open('/data/log', 'a', buffering=1)


def told(method, status='OK'):
    log.write('shop.Cart/%s %s\n' % (method, status))


def add(request, context):
    told('Add')
    return b'\x08\x01' + request


def find(request, context):
    told('Find', 'NOT_FOUND')
    context.abort(grpc.StatusCode.NOT_FOUND, 'no such item')


def watch(request, context):
    for i in range(20):
        yield b'\x08' + bytes([i]) + b'w' * 1000
    told('Watch')


def upload(requests, context):
    n = sum(len(r) for r in requests)
    told('Upload')
    return b'\x08\x02' * (n % 7 + 1)


def talk(requests, context):
    for r in requests:
        yield r
    told('Talk')


server = grpc.server(concurrent.futures.ThreadPoolExecutor(8))
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler('shop.Cart', {
    'Add': grpc.unary_unary_rpc_method_handler(add), 'Find': grpc.unary_unary_rpc_method_handler(find),
    'Watch': grpc.unary_stream_rpc_method_handler(watch), 'Upload': grpc.stream_unary_rpc_method_handler(upload),
    'Talk': grpc.stream_stream_rpc_method_handler(talk)}),))
server.add_insecure_port('0.0.0.0:50051')
server.start()
server.wait_for_termination()
