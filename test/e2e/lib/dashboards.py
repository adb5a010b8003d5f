"""Names in the queries of the dashboards against those in src/out/prometheus/prometheus.c and src/agg/semconv.c."""
import glob
import json
import os
import re

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../..')


def text(path):
    with open(os.path.join(TOP, path)) as f:
        return f.read()


def strings(o):
    for k, v in o.items() if isinstance(o, dict) else enumerate(o) if isinstance(o, list) else ():
        if k in ('expr', 'query') and isinstance(v, str):
            yield v
        yield from strings(v)


have = {'porthole_' + n for n in re.findall(r'"([a-z0-9_]+)"', text('src/out/prometheus/prometheus.c'))}
for n in re.findall(r'^\t\{ "([a-z_.]+)", SEM_[A-Z]+, SEM_[A-Z]+_SIDE', text('src/agg/semconv.c'), re.M):
    base = n.replace('.', '_') + ('' if n.startswith('traces_') else '_seconds')
    have |= {base + s for s in ('_total', '_failed_total', '_bucket', '_count', '_sum')}
NAME = re.compile(r'\b((?:porthole|traces|http|rpc|db|messaging|dns)_[a-z0-9_]+(?:_total|_bucket|_count|_sum)|porthole_[a-z_]+)\b')
n = bad = 0
for path in sorted(glob.glob(TOP + '/deploy/grafana/*.json')):
    with open(path) as f:
        names = {m for q in strings(json.load(f)) for m in NAME.findall(q)}
    wrong = sorted(names - have)
    n, good = n + 1, bool(names) and not wrong
    bad += not good
    print('%sok %d - %s: %d metrics' % ('' if good else 'not ', n, os.path.basename(path), len(names)))
    for w in wrong:
        print('#   %s is not on the page' % w)
print('%sok %d - there are three' % ('' if n == 3 else 'not ', n + 1))
print('1..%d' % (n + 1))
raise SystemExit(bool(bad))
