"""A receiver of OTLP/HTTP that answers as it is told, and decodes what comes by the public definitions.

Google's protobuf with opentelemetry-proto's own messages (Debian: python3-opentelemetry-proto). A field that those do
not have, text that is no UTF-8 and an attribute that stands twice are errors, kept in `wrong`.
"""
import collections
import gzip
import http.server
import threading
import time

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

SIGNALS = {
    '/v1/traces': (ExportTraceServiceRequest, 'resource_spans', 'scope_spans', 'spans'),
    '/v1/metrics': (ExportMetricsServiceRequest, 'resource_metrics', 'scope_metrics', 'metrics'),
    '/v1/logs': (ExportLogsServiceRequest, 'resource_logs', 'scope_logs', 'log_records'),
}


class Wrong(Exception):
    pass


def attrs(m):
    """The attributes of a resource, span, record or point."""
    got = {kv.key: getattr(kv.value, kv.value.WhichOneof('value')) for kv in m.attributes}
    if len(got) != len(m.attributes):
        raise Wrong('an attribute stands twice: %s' % m)
    return got


def decode(path, body):
    """-> [(the resource's attributes, item)]"""
    kind, groups, scopes, items = SIGNALS[path]
    m = kind.FromString(body)
    n = m.ByteSize()
    m.DiscardUnknownFields()
    if m.ByteSize() != n:
        raise Wrong('fields that are not in %s' % kind.__name__)
    got = []
    for g in getattr(m, groups):
        for s in getattr(g, scopes):
            if s.scope.name != 'porthole' or not s.scope.version:
                raise Wrong('scope %s' % s.scope)
            got += [(attrs(g.resource), i) for i in getattr(s, items)]
    for _, i in got:
        for p in points(i) if path == '/v1/metrics' else (i,):
            attrs(p)
    return got


def points(metric):
    return getattr(metric, metric.WhichOneof('data')).data_points


class Receiver(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(('127.0.0.1', 0), _Answer)
        self.seen = collections.defaultdict(list)    # path: (time, headers, items, answer)
        self.wrong = []
        self.gone = False
        self.answers = collections.defaultdict(list)  # path: (code, headers, body), the last one stays
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def items(self, path):
        """Of requests that were taken."""
        return [i for _, _, items, code in self.seen[path] if code == 200 for i in items]


class _Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *args):
        pass

    def do_POST(self):
        s = self.server
        if s.gone:
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers['Content-Length']))
        items = []
        try:
            if self.headers['Content-Encoding'] == 'gzip':
                body = gzip.decompress(body)
            items = decode(self.path, body)
        except (Wrong, DecodeError, KeyError, ValueError, OSError) as e:
            s.wrong.append('%s: %r' % (self.path, e))
        script = s.answers[self.path]
        code, headers, answer = script[0] if script else (200, {}, b'')
        if len(script) > 1:
            script.pop(0)
        s.seen[self.path].append((time.monotonic(), dict(self.headers), items, code))
        self.send_response(code)
        for k, v in headers.items():
            self.send_header(k, v)
        self.send_header('Content-Length', str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
