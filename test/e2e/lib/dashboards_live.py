"""The dashboards' queries against a real Prometheus (see dashboards_live.sh).

What Grafana fills in is filled in here: variables as "All", $__rate_interval as four scrapes. A query must give a
result; each label that its panel's legend, table or variable names must be in it.
"""
import glob
import http.server
import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

from e2e import DIR, PORTHOLE, capable, done, eq, free_port, ok, start, until

why = capable()
if why:
    print('1..0 # SKIP ' + why)
    sys.exit(0)

from pod import ENV, TOP, api, inside, play    # makes the pod's cgroup

FILES = ['http/nginx-methods', 'http/grpc-calls', 'redis/resp2', 'pgsql/psql-simple', 'mysql/mariadb-text', 'kafka/kcat-mock',
         'amqp/rabbitmq-pika', 'nats/nats-messages', 'dns/unbound-tcp']
# What only something that went wrong makes: asked without its comparison.
QUIET = re.compile(r' (> 0|== 1)$')


class Taker(http.server.BaseHTTPRequestHandler):
    """A receiver of OTLP that takes all."""
    def do_POST(self):
        self.rfile.read(int(self.headers['Content-Length']))
        self.send_response(200)
        self.send_header('Content-Length', '0')
        self.end_headers()

    def log_message(self, *args):
        pass


def get(url):
    with urllib.request.urlopen(url, timeout=10) as r:
        return r.read().decode()


api()
taker = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Taker)
taker.daemon_threads = True
threading.Thread(target=taker.serve_forever, daemon=True).start()
PAGE, PROM = 'http://127.0.0.1:%d/metrics' % free_port(), 'http://127.0.0.1:%d' % free_port()
with open(DIR + '/rules.yaml', 'w') as f:
    f.write('- rule: Marked file opened\n  desc: Test.\n  condition: evt.type in (open, openat, openat2) and '
            'fd.name=%s/mark\n  output: Opened by %%proc.name\n  priority: CRITICAL\n' % DIR)
with open(DIR + '/config.yaml', 'w') as f:
    f.write('''
metrics: {address: "%s"}
control: {socket: "%s/s"}
lock: {file: "%s/pid"}
profile: {enabled: false}
store: {enabled: false}
rules: {files: ["%s/rules.yaml"]}
alerts: {spool: "%s/spool", file: "%s/alerts"}
otlp: {endpoint: "http://127.0.0.1:%d", interval: 1s}
''' % (PAGE[7:-8], DIR, DIR, DIR, DIR, DIR, taker.server_port))
with open(DIR + '/prometheus.yaml', 'w') as f:
    f.write('global: {scrape_interval: 1s}\nscrape_configs:\n- {job_name: porthole, static_configs: [{targets: ["%s"]}]}\n' %
            PAGE[7:-8])
agent = start([PORTHOLE, 'run', '--config', DIR + '/config.yaml'], stdout=subprocess.DEVNULL, stderr=open(DIR + '/said', 'w'), env=ENV)
until(lambda: open(DIR + '/said').read().count('up to date') >= 6, 20)
play('redis/auth')    # each series is there once before it counts: a rate needs two scrapes
prom = start(['prometheus', '--config.file', DIR + '/prometheus.yaml', '--storage.tsdb.path', DIR + '/tsdb', '--log.level=error',
              '--web.listen-address', PROM[7:]], stdout=subprocess.DEVNULL, stderr=open(DIR + '/prometheus', 'w'))


def marks():
    for _ in range(10):
        subprocess.run(['cat', DIR + '/mark', DIR + '/nothing'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=inside)
        time.sleep(1)


open(DIR + '/mark', 'w').close()
threading.Thread(target=marks, daemon=True).start()
play(*FILES, times=9)
time.sleep(1.5)

# --- the page ---

page = get(PAGE)
samples, kinds = {}, {}
twice = []
for fam in text_string_to_metric_families(page):
    kinds[fam.name] = fam.type
    for s in fam.samples:
        key = s.name, tuple(sorted(s.labels.items()))
        twice += [key] if key in samples else []
        samples[key] = s.value
eq(twice, [], 'no sample stands twice')
for name in ('http_server_request_duration_seconds', 'http_client_request_duration_seconds', 'rpc_server_call_duration_seconds',
             'db_client_operation_duration_seconds', 'messaging_client_operation_duration_seconds', 'dns_lookup_duration_seconds',
             'traces_service_graph_request_server_seconds', 'traces_service_graph_request_client_seconds'):
    inf = {tuple(x for x in l if x[0] != 'le'): v for (n, l), v in samples.items() if n == name + '_bucket' and ('le', '+Inf') in l}
    count = {l: v for (n, l), v in samples.items() if n == name + '_count'}
    ok(kinds.get(name) == 'histogram' and count and inf == count, name + ': a histogram whose last bucket is its count')
edges = {l for n, l in samples if n == 'traces_service_graph_request_total'}
ok(edges and all({k for k, _ in l} == {'client', 'server'} for l in edges), 'edges have client and server', edges)
p = subprocess.run(['promtool', 'check', 'metrics'], input=page.encode(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
eq((p.returncode, p.stdout), (0, b''), 'promtool has nothing to say')

# --- the dashboards ---


def ask(expr):
    expr = re.sub(r'\$__rate_interval', '6s', re.sub(r'=~"\$\w+"', '=~".*"', expr))
    r = json.loads(get(PROM + '/api/v1/query?' + urllib.parse.urlencode({'query': expr})))
    return r['data']['result']


def labels_of(result):
    return {k for r in result for k in r['metric']}


def number(r):
    return r['value'][1] not in ('NaN', '+Inf', '-Inf')


def panel_check(name, panel):
    for t in panel['targets']:
        result = ask(QUIET.sub('', t['expr']))
        legend = set(re.findall(r'{{(\w+)}}', t.get('legendFormat', '')))
        ok(result and any(map(number, result)) and not legend - labels_of(result), '%s: %s %s' % (name, panel['title'], t['refId']), t['expr'],
           'labels %s, wanted %s' % (labels_of(result), legend), open(DIR + '/prometheus').read())
    names = labels_of([r for t in panel['targets'] for r in ask(t['expr'])]) | {'Time', 'Value'} | {'Value #' + t['refId'] for t in panel['targets']}
    for tr in panel.get('transformations', ()):
        o = tr['options']
        used = set(o.get('renameByName', ())) | set(o.get('excludeByName', ()))
        eq(used - names, set(), '%s: %s: %s names columns that are there' % (name, panel['title'], tr['id']))
    if panel['type'] == 'nodeGraph':
        rows = [tuple(r['metric'].get(k) for k in ('id', 'source', 'target')) for r in ask(panel['targets'][0]['expr'])]
        ok(rows and all(all(r) for r in rows) and len({r[0] for r in rows}) == len(rows), name + ': edges have id, source and target', rows)


for path in sorted(glob.glob(TOP + '/deploy/grafana/*.json')):
    with open(path) as f:
        board = json.load(f)
    name = os.path.basename(path)
    for v in board['templating']['list']:
        if v['type'] == 'query':
            metric, label = re.fullmatch(r'label_values\((\w+)(?:{.*})?, (\w+)\)', v['query']['query']).groups()
            got = json.loads(get('%s/api/v1/label/%s/values?match[]=%s' % (PROM, label, metric)))['data']
            ok(got, '%s: variable %s has values' % (name, v['name']), v['query'])
    for panel in board['panels']:
        panel_check(name, panel)
agent.terminate()
agent.wait(10)
done()
