"""The agent's OTLP: a receiver that answers as it is told, real requests, every message decoded (otlp_receiver.py)."""
import http.server
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request

from e2e import DIR, PORTHOLE, capable, done, eq, ok, start, until
from otlp_receiver import Receiver, attrs, points

why = capable()
if why:
    print('1..0 # SKIP ' + why)
    sys.exit(0)


class App(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        if 'slow' in self.path:
            time.sleep(0.4)
        self.send_response(404 if 'nope' in self.path else 200)
        self.send_header('Content-Length', '2')
        self.end_headers()
        self.wfile.write(b'ok')


receiver = Receiver()
# {partial_success {rejected_spans: 1, error_message: "no"}}
receiver.answers['/v1/traces'] = [(503, {}, b''), (429, {'Retry-After': '2'}, b''),
                                  (200, {}, b'\x0a\x06\x08\x01\x12\x02no'), (200, {}, b'')]
receiver.answers['/v1/metrics'] = [(400, {}, b'\x08\x03\x12\x07bad one'), (200, {}, b'')]
app = http.server.ThreadingHTTPServer(('127.0.0.1', 0), App)
app.daemon_threads = True
threading.Thread(target=app.serve_forever, daemon=True).start()
APP = 'http://127.0.0.1:%d' % app.server_port

with socket.socket() as s:
    s.bind(('127.0.0.1', 0))
    PORT = s.getsockname()[1]
CONFIG = os.path.join(DIR, 'config.yaml')
RULES = os.path.join(DIR, 'rules.yaml')
with open(RULES, 'w') as f:
    f.write('- rule: Marked file opened\n  desc: Test.\n  condition: evt.type in (open, openat, openat2) and '
            'fd.name=%s/mark\n  output: Opened by %%proc.name\n  priority: CRITICAL\n' % DIR)
with open(CONFIG, 'w') as f:
    f.write('''
metrics: {address: "127.0.0.1:%d"}
control: {socket: "%s/s"}
lock: {file: "%s/pid"}
kube: {enabled: false, node_name: node-7}
profile: {enabled: false}
store: {enabled: false}
rules: {files: ["%s"]}
alerts: {spool: "%s/spool"}
otlp:
  endpoint: "http://127.0.0.1:%d/"
  headers: ["X-Tenant: shop"]
  interval: 2s
  slow: 200ms
  sample_percent: 0
''' % (PORT, DIR, DIR, RULES, DIR, receiver.server_port))


def page():
    try:
        with urllib.request.urlopen('http://127.0.0.1:%d/metrics' % PORT, timeout=5) as r:
            return r.read().decode()
    except OSError:
        return ''


def counter(name):
    for line in page().splitlines():
        if line.startswith(name + ' '):
            return int(line.split()[-1])
    return None


TRACE, PARENT = '0af7651916cd43dd8448eb211c80319c', 'b7ad6b7169203331'


def curl(path, *args):
    subprocess.run(['curl', '-s', '-o', '/dev/null', *args, APP + path], timeout=20)


said = open(DIR + '/said', 'w+')
agent = start([PORTHOLE, 'run', '--config', CONFIG], stdout=subprocess.DEVNULL, stderr=said)
until(lambda: 'porthole_probe_state{probe="stream",state="on"} 1' in page(), 20)


def warm():
    curl('/fast')
    return (counter('porthole_requests_total') or 0) > 0


ok(until(warm, 20), 'the agent runs and sees requests', open(DIR + '/said').read())
time.sleep(0.5)
before = counter('porthole_otlp_unsampled_total')
for _ in range(3):
    curl('/fast')
ok(until(lambda: counter('porthole_otlp_unsampled_total') >= before + 6, 20), 'what is well and fast is sampled away')
curl('/slow/12345', '-H', 'traceparent: 00-%s-%s-01' % (TRACE, PARENT), '-A', 'e2e/1')
curl('/nope')
open(DIR + '/mark', 'w').close()


def spans(code=200):
    """Of the application; by (route, kind). Only of requests answered with @code."""
    got = {}
    for _, _, items, c in receiver.seen['/v1/traces']:
        for res, sp in items if c == code else ():
            a = attrs(sp)
            if a.get('server.port') == app.server_port:
                got[sp.name, sp.kind] = (res, sp, a)
    return got


ok(until(lambda: len(spans()) >= 3, 20), 'the spans come in the end', receiver.seen['/v1/traces'], receiver.wrong)
got = spans()
eq(sorted(got), [('GET /nope', 3), ('GET /slow/{id}', 2), ('GET /slow/{id}', 3)],
   'both ends of the slow one; of the failed one the end that calls 404 a failure')
if len(got) == 3:
    res, sp, a = got['GET /slow/{id}', 2]
    eq((sp.trace_id.hex(), sp.parent_span_id.hex()), (TRACE, PARENT), 'traceparent gives trace and parent')
    eq([a.get(k) for k in ('http.request.method', 'url.path', 'url.scheme', 'http.route', 'http.response.status_code',
                           'user_agent.original', 'client.address')],
       ['GET', '/slow/12345', 'http', '/slow/{id}', 200, 'e2e/1', '127.0.0.1'], 'attributes of the server')
    ok(0.4e9 <= sp.end_time_unix_nano - sp.start_time_unix_nano < 5e9 and abs(sp.end_time_unix_nano / 1e9 - time.time()) < 60, 'times', sp)
    ok(not sp.HasField('status'), 'no status where it went well')
    eq((res.get('host.name'), res.get('k8s.node.name'), bool(res.get('service.name'))),
       (socket.gethostname(), 'node-7', True), 'its resource')
    res, sp, a = got['GET /nope', 3]
    eq(sp.status.code, 2, 'an error has its status')
    eq([a.get(k) for k in ('url.full', 'server.address', 'error.type')],
       ['http://127.0.0.1:%d/nope' % app.server_port, '127.0.0.1', '404'], 'attributes of the client')
    eq(res.get('service.name'), 'curl', 'the service is the program')
    ok(len(sp.trace_id) == 16 and len(sp.span_id) == 8 and not sp.parent_span_id,
       'without traceparent a trace of its own')

seen = receiver.seen['/v1/traces']
eq([c for _, _, _, c in seen[:3]], [503, 429, 200], 'after 503 and 429 it is tried again')
if len(seen) > 2:
    ok(seen[0][2] == seen[1][2] == seen[2][2] and seen[0][2], 'with the same spans')
    ok(0.4 <= seen[1][0] - seen[0][0] < 4, 'after 503 about a second later', seen[1][0] - seen[0][0])
    ok(2 <= seen[2][0] - seen[1][0] < 5, 'after 429 when Retry-After says', seen[2][0] - seen[1][0])
    eq([seen[0][1].get(k) for k in ('Content-Type', 'Content-Encoding', 'X-Tenant')],
       ['application/x-protobuf', 'gzip', 'shop'], 'headers')
    later = [i for x in seen[3:] for i in x[2]]
    ok(not [i for i in seen[2][2] if i in later], 'what was rejected in part is not sent again')
LOST = 'porthole_lost_total{what="otlp_%s",reason="%s"}'
eq(until(lambda: counter(LOST % ('spans', 'rejected')) == 1, 20), True, 'and is counted')
eq(counter('porthole_otlp_retries_total{signal="traces"}'), 2, 'retries are counted')

# --- metrics ---

eq(until(lambda: len(receiver.seen['/v1/metrics']) >= 3, 20), True, 'metrics come')
codes = [c for _, _, _, c in receiver.seen['/v1/metrics']]
eq(codes[:2], [400, 200], 'after 400 the next ones are sent')
ok((counter(LOST % ('series', 'refused')) or 0) > 0, 'those refused are counted')
last = receiver.seen['/v1/metrics'][-1][2]
points = [(res, p) for res, m in last if m.name == 'http.server.request.duration'
          for p in points(m) if attrs(p).get('http.route') == '/slow/{id}']
eq(len(points), 1, 'the slow route is one series')
for res, p in points:
    eq((p.count, sum(p.bucket_counts), len(p.bucket_counts), list(p.explicit_bounds)[:2]), (1, 1, 15, [0.005, 0.01]),
       'its histogram')
    ok(0.4 <= p.sum < 5 and p.start_time_unix_nano < p.time_unix_nano, 'sum and times', p)
    ok(attrs(p)['http.response.status_code'] == 200 and res.get('service.name'), 'attributes and resource', p, res)
names = {m.name: m for _, m in last}
ok('http.server.request.duration' in names and names['http.server.request.duration'].unit == 's' and
   names['http.server.request.duration'].histogram.aggregation_temporality == 2, 'seconds, cumulative')
ok('traces_service_graph_request' in names and 'traces_service_graph_request_failed' in names, 'the graph', sorted(names))

# --- logs ---

eq(until(lambda: len(receiver.seen['/v1/logs']) >= 1, 20), True, 'the alert comes')
logs = [i for x in receiver.seen['/v1/logs'] for i in x[2]]
for res, log in logs[:1]:
    a = attrs(log)
    eq((log.severity_number, a.get('porthole.rule'), res.get('service.name')), (18, 'Marked file opened', 'porthole'),
       'as a record')
    ok('Opened by python3' in log.body.string_value and '"rule"' in a['porthole.alert'], 'with its text', log)

eq(receiver.wrong, [], 'every message decodes')

# --- the receiver is away, and the end ---

receiver.gone = True
receiver.shutdown()
receiver.server_close()
curl('/slow/2')
time.sleep(1.5)
t = time.monotonic()
gone = [x for x in page().splitlines() if 'otlp' in x and x[0] != '#' and not x.endswith(' 0')]
agent.send_signal(signal.SIGTERM)
try:
    code = agent.wait(10)
except subprocess.TimeoutExpired:
    code = None
ok(code == 0 and time.monotonic() - t < 4, 'it ends in time without a receiver', code, time.monotonic() - t)
time.sleep(0.2)
text = open(DIR + '/said').read()
ok('were not sent and are lost' in text and 'otlp: traces metrics logs to http://127.0.0.1' in text, 'and says what was lost', gone, text[-600:])
ok('HTTP 400: bad one' in text, 'what the receiver wrote is told', text)
ok('traces to' in text and 'HTTP 503' in text and 'go to' in text, 'trouble was told, and its end', text)
done()
