"""Profiles in all forms, read by others: see ../profile_forms.sh. Prints TAP."""
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import pprof_check

TOP = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../..'))
B = os.environ.get('B', 'build')
SPEEDSCOPE = 'speedscope@1.25.0'
done = [0]


def report(good, name, *why):
    done[0] += 1
    print('%sok %d - %s' % ('' if good else 'not ', done[0], name))
    for line in why if not good else ():
        for part in str(line).splitlines()[:40]:
            print('# ' + part.encode('ascii', 'backslashreplace').decode())


def skip(name, why):
    done[0] += 1
    print('ok %d - %s # SKIP %s' % (done[0], name, why))


def run(*args, **more):
    return subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=100, **more)


# --- pprof ---

def strict(folder):
    """Each file holds to the rules; a broken one must be seen as broken."""
    for path in sorted(glob.glob(folder + '/*.pb.gz')):
        try:
            pprof_check.check(path)
            report(True, 'strict: ' + os.path.basename(path))
        except (pprof_check.Wrong, UnicodeDecodeError, OSError) as e:
            report(False, 'strict: ' + os.path.basename(path), e)


def content(folder):
    p = pprof_check.check(folder + '/plain-default.pb.gz')
    text = p['string_table']
    by_file = {text[m['filename']]: m for m in p['mapping']}
    cart = by_file['/usr/bin/cart']
    report(text[cart['build_id']].startswith('0123456789abcdef') and cart['has_functions'] and
           cart['has_filenames'] and cart['has_line_numbers'] and cart['has_inline_frames'],
           'a mapping with all: build id and flags', cart)
    ssl, libc = by_file['/usr/lib/libssl.so.3'], by_file['/usr/lib/libc.so.6']
    report(not ssl['has_functions'] and libc['has_functions'] and not libc['has_line_numbers'],
           'mappings that lack symbols or lines say so', ssl, libc)
    lines = [[text[p['function'][n['function_id'] - 1]['name']] for n in l['line']]
             for l in p['location']]
    report(['skip_space', 'parse'] in lines and ['fdget', 'ksys_read'] in lines,
           'inlined frames are lines of one location, innermost first', lines)
    report(p['period'] == 10101010 and p['time_nanos'] == 1700000000000000000 and
           p['duration_nanos'] == 10000000000 and text[p['default_sample_type']] == 'cpu',
           'period, time, duration, default type')
    labels = {(text[l['key']], text[l['str']]) for s in p['sample'] for l in s['label']}
    report(('pod', 'shop/cart') in labels and ('thread', 'worker 1') in labels,
           'series became labels', labels)


def go_pprof(folder):
    go = shutil.which('go')
    if not go:
        skip('go tool pprof reads all', 'needs golang-go')
        return
    env = dict(os.environ, HOME=folder, GOFLAGS='-mod=mod', PPROF_TMPDIR=folder, GOTELEMETRY='off')

    def pprof(*args):
        return run(go, 'tool', 'pprof', '-symbolize=none', *args, env=env, cwd=folder)

    for path in sorted(glob.glob(folder + '/*.pb.gz')):
        r = pprof('-raw', path)
        report(r.returncode == 0, 'go tool pprof -raw ' + os.path.basename(path), r.stderr.decode())
    raw = pprof('-raw', 'plain-default.pb.gz').stdout.decode()
    wanted = ['PeriodType: cpu nanoseconds', 'Period: 10101010', 'Duration: 10', 'samples/count',
              'cpu/nanoseconds[dflt]', '/usr/bin/cart 0123456789abcdef0123456789abcdef01234567 '
              '[FN][FL][LN][IN]', 'skip_space cart.h:7', 'pod:[shop/cart]', 'thread:[worker 1]',
              '0x6001 M=']
    missing = [w for w in wanted if w not in raw]
    report(not missing, 'go tool pprof -raw says what was put in', missing, raw)
    top = pprof('-top', 'plain-default.pb.gz').stdout.decode()
    rows = {}
    for line in top.splitlines():
        parts = line.split(None, 5)
        if len(parts) == 6 and parts[1].endswith('%'):
            rows[parts[5]] = parts
    want = {'parse': ('0.30s', '0.61s'), 'skip_space (inline)': ('0.30s', '0.30s'),
            'fdget (inline)': ('0.25s', '0.25s'), 'main': ('0', '0.66s')}
    wrong = [(k, rows.get(k)) for k, (flat, cum) in want.items()
             if k not in rows or rows[k][0] != flat or rows[k][3] != cum]
    report(not wrong, 'go tool pprof -top has the same figures', wrong, top)
    focus = pprof('-top', '-tagfocus=thread=worker', 'plain-default.pb.gz').stdout.decode()
    report('fdget' in focus and 'skip_space' not in focus, 'go tool pprof -tagfocus finds labels', focus)
    tree = pprof('-traces', 'plain-roots.pb.gz').stdout.decode()
    report('worker 1' in tree and '[no pod]' in tree, 'labels are root frames when asked for', tree)
    hostile = pprof('-top', 'hostile-default.pb.gz')
    report(hostile.returncode == 0 and b'\x1b' not in hostile.stdout,
           'go tool pprof prints no control characters of ours', hostile.stdout)


# --- speedscope ---

def schema_errors(schema, root, value, path='$'):
    """The part of JSON Schema that speedscope's schema uses."""
    if '$ref' in schema:
        name = schema['$ref']
        assert name.startswith('#/definitions/'), name
        return schema_errors(root['definitions'][name[len('#/definitions/'):]], root, value, path)
    known = {'title', 'type', 'properties', 'required', 'items', 'enum', 'const', 'anyOf', 'allOf',
             '$schema', 'definitions', 'description'}
    assert set(schema) <= known, set(schema) - known
    wrong = []
    kinds = {'object': dict, 'array': list, 'string': str, 'number': (int, float), 'boolean': bool}
    if 'type' in schema and not isinstance(value, kinds[schema['type']]):
        return ['%s is no %s' % (path, schema['type'])]
    if 'const' in schema and value != schema['const']:
        wrong.append('%s is not %r' % (path, schema['const']))
    if 'enum' in schema and value not in schema['enum']:
        wrong.append('%s is none of %r' % (path, schema['enum']))
    for key in schema.get('required', ()):
        if key not in value:
            wrong.append('%s lacks %s' % (path, key))
    for key, sub in schema.get('properties', {}).items():
        if key in value:
            wrong += schema_errors(sub, root, value[key], path + '.' + key)
    if 'items' in schema:
        for i, v in enumerate(value):
            wrong += schema_errors(schema['items'], root, v, '%s[%d]' % (path, i))
    for sub in schema.get('allOf', ()):
        wrong += schema_errors(sub, root, value, path)
    if 'anyOf' in schema:
        each = [schema_errors(sub, root, value, path) for sub in schema['anyOf']]
        if all(each):
            wrong += min(each, key=len)
    return wrong


def speedscope_schema(folder):
    """Of the package speedscope, from npm, kept in the build folder; or why not."""
    kept = os.path.join(TOP, B, SPEEDSCOPE.replace('@', '-') + '.schema.json')
    if not os.path.exists(kept):
        if not shutil.which('npm'):
            return None, 'needs npm'
        try:
            r = run('npm', 'pack', '--silent', SPEEDSCOPE, cwd=folder)
        except subprocess.TimeoutExpired:
            return None, 'npm did not answer'
        tars = glob.glob(folder + '/speedscope-*.tgz')
        if r.returncode or not tars:
            return None, 'npm could not fetch ' + SPEEDSCOPE
        r = run('tar', 'xzOf', tars[0], 'package/dist/release/file-format-schema.json')
        if r.returncode:
            return None, SPEEDSCOPE + ' holds no schema'
        with open(kept + '.new', 'wb') as f:
            f.write(r.stdout)
        os.rename(kept + '.new', kept)
    with open(kept, encoding='utf-8') as f:
        return json.load(f), None


def speedscope(folder):
    schema, why = speedscope_schema(folder)
    if not schema:
        skip("speedscope's schema accepts all", why)
        return
    top = {'$ref': schema['$ref']} if '$ref' in schema else schema
    for path in sorted(glob.glob(folder + '/*.speedscope.json')):
        with open(path, encoding='utf-8') as f:
            errors = schema_errors(top, schema, json.load(f))
        report(not errors, "speedscope's schema: " + os.path.basename(path), *errors)
    with open(folder + '/plain-default.speedscope.json', encoding='utf-8') as f:
        broken = json.load(f)
    del broken['profiles'][0]['weights']
    report(schema_errors(top, schema, broken), 'a profile without weights is refused')
    with open(folder + '/plain-threads.speedscope.json', encoding='utf-8') as f:
        names = [p['name'] for p in json.load(f)['profiles']]
    report('cpu: cart / worker 1' in names and len(names) == 6, 'one profile for each thread', names)


def main():
    writer = os.path.join(TOP, B, 'test/out/profile_out_test')
    if not os.path.exists(writer):
        print('1..0 # SKIP %s is not built' % writer)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        r = run(writer, folder)
        report(r.returncode == 0, 'all forms are written', r.stderr.decode())
        strict(folder)
        content(folder)
        go_pprof(folder)
        speedscope(folder)
    print('1..%d' % done[0])
    return 0


sys.exit(main())
