"""Spans, metrics and their resources against the conventions' names, for each protocol (see otlp_names.sh)."""
import collections
import json
import re
import socket
import subprocess
import sys
import time

from e2e import DIR, PORTHOLE, at_end, capable, done, eq, objects, ok, run, start, until
from otlp_receiver import Receiver, attrs, points

why = capable()
if why:
    print('1..0 # SKIP ' + why)
    sys.exit(0)

from pod import CAPTURES, CID, ENV, TOP, UID, api, play    # makes the pod's cgroup

SERVER, CLIENT = 2, 3

# What may stand on a span of each family (Semantic Conventions 1.44), and what must.
HTTP = {'http.request.method': str, 'http.request.method_original': str, 'http.response.status_code': int, 'http.route': str,
        'url.scheme': str, 'url.path': str, 'url.full': str, 'url.template': str, 'user_agent.original': str,
        'network.protocol.version': str}
RPC = {'rpc.system.name': str, 'rpc.method': str, 'rpc.response.status_code': str}
DB = {'db.system.name': str, 'db.operation.name': str, 'db.namespace': str, 'db.collection.name': str, 'db.query.text': str,
      'db.query.summary': str, 'db.response.status_code': str}
MESSAGING = {'messaging.system': str, 'messaging.operation.name': str, 'messaging.operation.type': str,
             'messaging.destination.name': str}
DNS = {'dns.question.name': str}
ALL = {'server.address': str, 'server.port': int, 'client.address': str, 'network.peer.address': str,
       'network.peer.port': int, 'error.type': str}
ENDS = {'server.address', 'server.port'}
MUST = {'http': {SERVER: {'http.request.method', 'url.scheme', 'url.path', 'http.route'} | ENDS,
                 CLIENT: {'http.request.method', 'url.full'} | ENDS},
        'grpc': {k: {'rpc.system.name', 'rpc.method', 'rpc.response.status_code'} | ENDS for k in (SERVER, CLIENT)},
        'dns': {k: {'dns.question.name'} for k in (SERVER, CLIENT)}}
USUAL = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
QUICK = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]

# protocol: file, family, how its spans are told, one span of the client's: name and attributes but for ends
CASES = {
    'http': ('http/nginx-methods', HTTP, ('http.request.method', None), None, None),
    'grpc': ('http/grpc-calls', RPC, ('rpc.system.name', 'grpc'), 'demo.Greeter/Missing',
             {'rpc.system.name': 'grpc', 'rpc.method': 'demo.Greeter/Missing', 'rpc.response.status_code': 'NOT_FOUND',
              'error.type': 'NOT_FOUND'}),
    'redis': ('redis/resp2', DB, ('db.system.name', 'redis'), 'SET user:*',
              {'db.system.name': 'redis', 'db.operation.name': 'SET', 'db.query.summary': 'SET user:*',
               'db.query.text': 'SET user:{id}:name'}),
    'postgres': ('pgsql/psql-simple', DB, ('db.system.name', 'postgresql'), 'UPDATE users',
                 {'db.system.name': 'postgresql', 'db.operation.name': 'UPDATE', 'db.namespace': 'postgres',
                  'db.query.summary': 'UPDATE users', 'db.query.text': 'UPDATE users SET name = ? WHERE id = ?;'}),
    'mysql': ('mysql/mariadb-text', DB, ('db.system.name', 'mysql'), 'INSERT users',
              {'db.system.name': 'mysql', 'db.operation.name': 'INSERT', 'db.namespace': 'shop',
               'db.query.summary': 'INSERT users', 'db.query.text': 'INSERT INTO users VALUES (?, ?)'}),
    'mongo': ('mongo/pymongo-3.11', DB, ('db.system.name', 'mongodb'), 'find shop.orders',
              {'db.system.name': 'mongodb', 'db.operation.name': 'find', 'db.namespace': 'shop',
               'db.collection.name': 'orders', 'db.query.summary': 'find shop.orders'}),
    'kafka': ('kafka/kcat-mock', MESSAGING, ('messaging.system', 'kafka'), 'Produce orders',
              {'messaging.system': 'kafka', 'messaging.operation.name': 'Produce', 'messaging.operation.type': 'send',
               'messaging.destination.name': 'orders'}),
    'amqp': ('amqp/rabbitmq-pika', MESSAGING, ('messaging.system', 'rabbitmq'), 'basic.get orders',
             {'messaging.system': 'rabbitmq', 'messaging.operation.name': 'basic.get', 'messaging.operation.type': 'receive',
              'messaging.destination.name': 'orders'}),
    'nats': ('nats/nats-messages', MESSAGING, ('messaging.system', 'nats'), 'PUB news.today.sport',
             {'messaging.system': 'nats', 'messaging.operation.name': 'PUB', 'messaging.operation.type': 'send',
              'messaging.destination.name': 'news.today.sport'}),
    'dns': ('dns/unbound-tcp', DNS, ('dns.question.name', None), 'A *.shop.example', {'dns.question.name': 'api.shop.example'}),
}


# --- the agent, the conversations ---

api()
receiver = Receiver()
with open(DIR + '/config.yaml', 'w') as f:
    f.write('''
metrics: {enabled: false}
control: {socket: "%s/s"}
lock: {file: "%s/pid"}
profile: {enabled: false}
store: {enabled: false}
rules: {enabled: false}
otlp: {endpoint: "http://127.0.0.1:%d", interval: 2s, sample_percent: 100}
''' % (DIR, DIR, receiver.server_port))
said = DIR + '/said'
agent = start([PORTHOLE, 'run', '--config', DIR + '/config.yaml'], stdout=subprocess.DEVNULL, stderr=open(said, 'w'),
              env=ENV)
until(lambda: open(said).read().count('up to date') >= 6, 20)


def protocol_of(a):
    for name, (_, _, (key, value), _, _) in CASES.items():
        if key in a and value in (None, a[key]):
            return name
    return None


def spans():
    got = collections.defaultdict(list)
    for res, sp in receiver.items('/v1/traces'):
        a = attrs(sp)
        if res.get('k8s.pod.uid') == UID:
            got[protocol_of(a), sp.kind].append((res, sp, a))
    return got


ok(until(lambda: (play('redis/auth'), spans())[1], 20), 'a request of the pod comes', open(said).read())
time.sleep(1.5)
receiver.seen['/v1/traces'].clear()
play(*[c[0] for c in CASES.values()])


def replayed(name):
    status, out, _ = run('requests', '--replay', '%s/%s.pcap' % (CAPTURES, CASES[name][0]), '-o', 'json')
    return sum(e['req.protocol'] == name for e in objects(out))


want = {name: replayed(name) for name in CASES}
until(lambda: sum(map(len, spans().values())) >= 2 * sum(want.values()), 10)
got = spans()

# --- spans ---

for name, (_, family, _, chosen, exact) in CASES.items():
    eq((len(got[name, CLIENT]), len(got[name, SERVER])), (want[name], want[name]),
       '%s: a span of each end for each request' % name)
    for kind in (CLIENT, SERVER):
        for _, sp, a in got[name, kind]:
            odd = {k: v for k, v in a.items() if not isinstance(v, {**family, **ALL}.get(k, ()))}
            absent = MUST.get(name, {}).get(kind, ENDS if kind == CLIENT else set()) - set(a)
            if odd or absent or not sp.name:
                ok(False, '%s: names and types of attributes' % name, odd, absent, sp)
                break
        else:
            ok(True, '%s: names and types of attributes, %s' % (name, 'client' if kind == CLIENT else 'server'))
    if chosen:
        mine = [{k: v for k, v in a.items() if k not in ENDS and not k.startswith('network.')}
                for _, sp, a in got[name, CLIENT] if sp.name == chosen]
        ok(exact in mine, '%s: %s has just these attributes' % (name, chosen), exact, mine,
           sorted({sp.name for _, sp, _ in got[name, CLIENT]}))
ok(not got[None, CLIENT] and not got[None, SERVER], 'and no others', [sp for _, sp, _ in got[None, CLIENT]][:2])

texts = [a['db.query.text'] for n in ('postgres', 'mysql') for _, _, a in got[n, CLIENT] if 'db.query.text' in a]
ok(texts and not [t for t in texts if re.search(r"'[^']|\b(?<![a-z_])\d+\b", t)], 'statements have no literals', texts)
fails = {sp.status.code for _, sp, a in got['grpc', CLIENT] if a['rpc.response.status_code'] == 'NOT_FOUND'}, \
    {sp.status.code for _, sp, a in got['grpc', SERVER] if a['rpc.response.status_code'] == 'NOT_FOUND'}
eq(fails, ({2}, {0}), 'a call of what is not found failed for its client, not for its server')
methods = {(sp.name, a['http.response.status_code'], a['url.path']) for _, sp, a in got['http', SERVER] if 'http.response.status_code' in a}
ok(len(methods) > 3 and all(n.split(' ')[0] in ('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'HTTP', 'TRACE') and
                            p.startswith('/') for n, c, p in methods if p), 'HTTP: names begin with the method', methods)
ids = [sp.span_id for v in got.values() for _, sp, _ in v]
ok(len(set(ids)) == len(ids) and all(len(i) == 8 for i in ids), 'no span\'s id comes twice')

# --- resources ---

pod = next(o for o in json.load(open(TOP + '/src/kube/testdata/pods.list.json'))['items'] if o['metadata']['uid'] == UID)
labels, owner = pod['metadata'].get('labels', {}), pod['metadata']['ownerReferences'][0]
res = [dict(t) for t in {tuple(sorted(r.items())) for v in got.values() for r, _, _ in v}]
eq(len(res), 1, 'one resource')
known = {'k8s.namespace.name': 'shop', 'k8s.pod.name': 'web-7fdc59d75b-dmvp4', 'k8s.pod.uid': UID,
         'k8s.pod.ip': pod['status'].get('podIP'), 'k8s.container.name': 'web', 'k8s.node.name': 'node-b', 'container.id': CID,
         'host.name': socket.gethostname(), 'service.namespace': 'shop', 'service.instance.id': 'shop.web-7fdc59d75b-dmvp4.web',
         'service.name': labels.get('app.kubernetes.io/instance') or labels.get('app.kubernetes.io/name') or 'web'}
eq({k: v for k, v in (res or [{}])[0].items() if k in known}, known, 'k8s.* and service.* of the pod')
ok(res and ({'k8s.deployment.name': 'web'}.items() <= res[0].items() or
            {'k8s.replicaset.name': owner['name']}.items() <= res[0].items()), 'and its owner', res)
rest = set(res[0] if res else ()) - set(known)
eq(rest - {'k8s.deployment.name', 'k8s.replicaset.name', 'service.version', 'container.image.name'}, set(), 'and nothing else')

# --- metrics ---

NAMES = {'http.server.request.duration': ('http', SERVER, USUAL), 'http.client.request.duration': ('http', CLIENT, USUAL),
         'rpc.server.call.duration': ('grpc', SERVER, USUAL), 'rpc.client.call.duration': ('grpc', CLIENT, USUAL),
         'db.client.operation.duration': ('redis', CLIENT, QUICK), 'messaging.client.operation.duration': ('nats', CLIENT, USUAL),
         'dns.lookup.duration': ('dns', CLIENT, USUAL)}
time.sleep(2.5)
last = [(r, m) for r, m in (receiver.seen['/v1/metrics'] or [(0, 0, [], 0)])[-1][2] if r.get('k8s.pod.name') or m.name.startswith('traces_')]
byname = collections.defaultdict(list)
for r, m in last:
    byname[m.name] += [(r, m, p) for p in points(m)]
for name, (proto, kind, bounds) in NAMES.items():
    ps = byname[name]
    bad = [p for _, m, p in ps if list(p.explicit_bounds) != bounds or len(p.bucket_counts) != len(bounds) + 1 or
           sum(p.bucket_counts) != p.count or m.unit != 's' or m.histogram.aggregation_temporality != 2 or
           not 0 < p.start_time_unix_nano < p.time_unix_nano or abs(p.time_unix_nano / 1e9 - time.time()) > 60 or
           (p.sum <= 0 and p.count > 0)]
    ok(ps and not bad, '%s: bounds, counts, unit, cumulative, times' % name, bad[:1])
eq(sum(p.count for _, _, p in byname['http.server.request.duration']), want['http'], 'as many as there are spans')
eq(sum(p.count for _, _, p in byname['dns.lookup.duration']), want['dns'], 'of DNS too')
early = {p.start_time_unix_nano for ps in byname.values() for _, _, p in ps}
ok(len(early) > 3, 'a series starts with its first request, not with the agent')
graph = byname['traces_service_graph_request']
ok(graph and all(set(attrs(p)) == {'client', 'server'} and m.sum.is_monotonic and m.sum.aggregation_temporality == 2
                 for _, m, p in graph), 'the graph counts edges', graph[:1])

eq(receiver.wrong, [], 'every message decodes, by the public definitions')
agent.terminate()
agent.wait(10)
done()
