"""Checks the profiles of python.sh: function, file and line of each frame, in order. Prints TAP."""
import collections
import gzip
import json
import re
import sys

folder, tool, runs = sys.argv[1], sys.argv[2], int(sys.argv[3])
LINES = {m.group(1): n for n, text in enumerate(open(tool), 1)
         for m in [re.search(r'# line: (\S+)$', text)] if m}
LEAST = 15

# Outermost first, as they must stand among the Python frames of nearly all stacks.
CHAINS = {
    'recursion': ['<module>', 'main', '<lambda>'] + ['recurse'] * 41 + ['burn'],
    'deep': ['recurse'] * 200 + ['burn'],       # cut at the outer end: 256 frames are kept
    'generators': ['<module>', 'main', 'generators', 'values', 'burn'],
    'callbacks': ['<module>', 'main', 'callbacks', 'Key.größe', 'burn'],
    'threads': ['Thread._bootstrap', 'Thread._bootstrap_inner', 'Thread.run', 'threads.<locals>.work',
                'burn'],
}
number = 0


def check(ok, name, why):
    global number
    number += 1
    print('%s %d - %s' % ('ok' if ok else 'not ok', number, name))
    if not ok:
        print('# ' + why)


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def message(data):
    """Protobuf: field number -> list of values."""
    out, at = collections.defaultdict(list), 0
    while at < len(data):
        key, at = varint(data, at)
        value, at = varint(data, at)
        if key & 7 == 2:
            value, at = data[at:at + value], at + value
        out[key >> 3].append(value)
    return out


def numbers(values):
    out = []
    for v in values:
        at = 0
        while isinstance(v, bytes) and at < len(v):
            n, at = varint(v, at)
            out.append(n)
        if not isinstance(v, bytes):
            out.append(v)
    return out


def stacks_of(data):
    """A profile of pprof's: pid -> list of (stack of frames outermost first, weight)."""
    p = message(data)
    text = [s.decode() for s in p[6]]
    functions = {f[1][0]: f for f in map(message, p[5])}
    places = {}
    for place in map(message, p[4]):
        places[place[1][0]] = []
        for line in map(message, place[4]):
            f = functions[line[1][0]]
            places[place[1][0]].append({'name': text[f[2][0]], 'file': text[(f[4] or [0])[0]],
                                        'line': (line[2] or [0])[0]})
    out = collections.defaultdict(list)
    for sample in map(message, p[2]):
        labels = {text[m[1][0]]: text[(m[2] or [0])[0]] or str((m[3] or [''])[0])
                  for m in map(message, sample[3])}
        path = [f for i in numbers(sample[1]) for f in places[i]][::-1]
        out[labels.get('pid')].append((path, numbers(sample[2])[0]))
    return out


def interp(path):
    return [f for f in path if f.get('file', '').endswith('.py') or f.get('file', '') == '<frozen runpy>']


def contains(names, chain):
    return any(names[i:i + len(chain)] == chain for i in range(len(names) - len(chain) + 1))


def run_check(label, what, stacks):
    chain = CHAINS[what]
    burning = [(p, w) for p, w in stacks if any(f['name'] == 'burn' for f in p)]
    good = sum(w for p, w in burning if contains([f['name'] for f in interp(p)], chain))
    total = sum(w for _, w in burning)
    names = [f['name'] for f in interp(burning[0][0])] if burning else []
    check(len(burning) >= LEAST and good >= 0.97 * total, '%s: %s' % (label, what),
          '%d stacks, %d of %d right: %s' % (len(burning), good, total, names[:60]))
    wrong = collections.Counter()
    for path, _ in burning:
        for f in interp(path):
            if f['name'] in LINES and f['name'] not in ('burn', 'recurse') and \
               (f.get('file') != tool or f.get('line') != LINES[f['name']]):
                wrong[(f['name'], f.get('file'), f.get('line'))] += 1
    lines = {f.get('line') for p, _ in burning for f in interp(p) if f['name'] == 'burn'}
    check(not wrong and lines <= {LINES['burn'], LINES['burn'] - 1, LINES['burn'] - 2, LINES['burn'] - 3,
                                  LINES['burn'] + 1} and LINES['burn'] in lines,
          '%s: %s: files and lines' % (label, what), '%s, burn at %s' % (dict(wrong), lines))
    if what == 'callbacks':     # native code stands between Python's
        whole = [p for p, _ in burning if not any(f['name'].startswith('[cut') for f in p)]
        between = [p for p in whole if any(
            a['name'] == 'callbacks' and b['name'] != 'Key.größe' for a, b in zip(p, p[1:]))]
        check(len(between) >= 0.97 * len(whole) and len(whole) >= LEAST, '%s: sorted() stands between its callers' % label,
              '%d of %d' % (len(between), len(whole)))
    loops = sum(w for p, w in stacks if any(f['name'] == '_PyEval_EvalFrameDefault' for f in p))
    total = sum(w for _, w in stacks)
    # The first samples come before the interpreter's file was looked at.
    check(loops <= 0.15 * total, '%s: %s: few of the interpreter\'s loops are left as they are' % (label, what),
          '%d of %d ns' % (loops, total))


def waits_check(label, stacks, why):
    """Blocked threads show the function in Python that blocked."""
    # The first stacks come before the interpreter's file was looked at.
    python = [(p, w) for p, w in stacks if interp(p)]
    total, known = sum(w for _, w in stacks), sum(w for _, w in python)
    check(known >= 0.7 * total > 0, '%s: waits: stacks of threads that wait have Python frames' % label,
          '%d of %d ns in %d stacks' % (known, total, len(stacks)))
    for state, name, of in (('lock', 'wants_lock', 0.6), ('sleep', 'holds_lock', 0.9)):
        at = [(p, w) for p, w in python if p[0]['name'] == state or p[1]['name'] == state]
        inner = collections.Counter()
        for p, w in at:
            inner[interp(p)[-1]['name'], interp(p)[-1].get('line')] += w
        good, total = inner[name, LINES[name]], sum(inner.values())
        check(good >= of * total > 0, '%s: waits: %s is in %s, at its line' % (label, state, name),
              '%d of %d: %s' % (good, total, dict(inner)))
    found = [f for f in why.get('findings', []) if f['cause'] == 'lock-contention']
    check(found and 'wants_lock' in found[0]['title'], '%s: why: the lock is taken in wants_lock' % label,
          '%s' % [f['title'] for f in why.get('findings', [])])


profiles = []
for i in range(runs):
    try:
        profiles.append(stacks_of(gzip.open('%s/profile.%d' % (folder, i)).read()))
    except (OSError, ValueError) as e:
        profiles.append({})
        print('# profile %d: %s' % (i, e))
    code = open('%s/code.%d' % (folder, i)).read().strip()
    check(code == '0', 'interpreter %d: the profile is made' % i, 'exit code %s' % code)
for line in open(folder + '/runs'):
    pid, i, path, what = line.split()
    run_check(path, what, profiles[int(i)].get(pid, []))
for line in open(folder + '/waits'):
    pid, i, path = line.split()
    try:
        waits = stacks_of(gzip.open('%s/waits.%s' % (folder, i)).read()).get(pid, [])
        why = json.load(open('%s/why.%s' % (folder, i)))
    except (OSError, ValueError) as e:
        waits, why = [], {}
        print('# waits %s: %s' % (i, e))
    waits_check(path, waits, why)
print('1..%d' % number)
