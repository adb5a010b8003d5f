"""gRPC: a server on python3-grpcio that writes down each call and how it ended."""
import collections

import node


class Grpc(node.Server):
    name, protocol, ports = 'grpc', 'http', (50051,)
    module = 'grpc'
    decode = {50051: 'http2'}

    def command(self):
        return [node.PYTHON, '/app/serve_grpc.py']

    def begin(self):
        self.at = node.size_of(self.pod, 'log')

    def log(self):
        return collections.Counter(tuple(line.split()) for line in node.lines_since(self.pod, 'log', self.at))

    def told(self, r):
        yield r.get('req.resource'), r.get('req.status')


SERVER = Grpc
