#!/usr/bin/env python3
"""Reads a profile.proto and checks it as strictly as Parca and pprof together: pprof_check.py FILE...

gzip; string_table[0] empty, all valid UTF-8 without control characters; every number of a string
within the table; mapping, function and location ids 1..n in order; no id without its object, and no
object that nothing refers to; as many values as sample types; label keys not empty; default type
is one of the types. Fields that the schema does not have are errors.
"""
import gzip
import sys
import unicodedata

# field number -> (name, repeated, what: int, ints (packed or not), text, a message)
VALUE_TYPE = {1: ('type', 0, 'int'), 2: ('unit', 0, 'int')}
LABEL = {1: ('key', 0, 'int'), 2: ('str', 0, 'int'), 3: ('num', 0, 'int'), 4: ('num_unit', 0, 'int')}
SAMPLE = {1: ('location_id', 1, 'int'), 2: ('value', 1, 'int'), 3: ('label', 1, LABEL)}
MAPPING = {1: ('id', 0, 'int'), 2: ('memory_start', 0, 'int'), 3: ('memory_limit', 0, 'int'),
           4: ('file_offset', 0, 'int'), 5: ('filename', 0, 'int'), 6: ('build_id', 0, 'int'),
           7: ('has_functions', 0, 'int'), 8: ('has_filenames', 0, 'int'),
           9: ('has_line_numbers', 0, 'int'), 10: ('has_inline_frames', 0, 'int')}
LINE = {1: ('function_id', 0, 'int'), 2: ('line', 0, 'int'), 3: ('column', 0, 'int')}
LOCATION = {1: ('id', 0, 'int'), 2: ('mapping_id', 0, 'int'), 3: ('address', 0, 'int'),
            4: ('line', 1, LINE), 5: ('is_folded', 0, 'int')}
FUNCTION = {1: ('id', 0, 'int'), 2: ('name', 0, 'int'), 3: ('system_name', 0, 'int'),
            4: ('filename', 0, 'int'), 5: ('start_line', 0, 'int')}
PROFILE = {1: ('sample_type', 1, VALUE_TYPE), 2: ('sample', 1, SAMPLE), 3: ('mapping', 1, MAPPING),
           4: ('location', 1, LOCATION), 5: ('function', 1, FUNCTION), 6: ('string_table', 1, 'text'),
           7: ('drop_frames', 0, 'int'), 8: ('keep_frames', 0, 'int'), 9: ('time_nanos', 0, 'int'),
           10: ('duration_nanos', 0, 'int'), 11: ('period_type', 0, VALUE_TYPE),
           12: ('period', 0, 'int'), 13: ('comment', 1, 'int'),
           14: ('default_sample_type', 0, 'int'), 15: ('doc_url', 0, 'int')}


class Wrong(Exception):
    pass


def must(what, *why):
    if not what:
        raise Wrong(' '.join(str(w) for w in why))


def varint(data, at):
    value = shift = 0
    while True:
        must(at < len(data) and shift < 64, 'a number ends early or is too long')
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7


def message(data, schema):
    out = {name: [] if repeated else 0 for name, repeated, _ in schema.values()}
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        must(tag >> 3 in schema, 'no field', tag >> 3)
        name, repeated, kind = schema[tag >> 3]
        if tag & 7 == 0:
            value, at = varint(data, at)
            must(kind == 'int', name, 'is a number')
            values = [value]
        else:
            must(tag & 7 == 2, 'wire type', tag & 7)
            n, at = varint(data, at)
            must(at + n <= len(data), name, 'passes the end')
            body, at = data[at:at + n], at + n
            if kind == 'text':
                values = [body.decode('utf-8')]
            elif kind == 'int':
                must(repeated, name, 'is no list')
                values, i = [], 0
                while i < n:
                    value, i = varint(body, i)
                    values.append(value)
            else:
                values = [message(body, kind)]
        if repeated:
            out[name] += values
        else:
            must(not out[name], name, 'stands twice')
            out[name] = values[0]
    return out


def ids(objects, what):
    got = [o['id'] for o in objects]
    must(got == list(range(1, len(got) + 1)), what, 'ids are not 1..n in order:', got[:20])


def strings(p):
    table = p['string_table']
    must(table and table[0] == '', 'string_table[0] is not empty')
    must(len(set(table)) == len(table), 'a string stands twice')
    for s in table:
        must(not any(unicodedata.category(c) == 'Cc' for c in s), 'control character in', repr(s))

    def one(n, what, empty=True):
        must(n < len(table), what, 'is string', n, 'of', len(table))
        must(empty or n, what, 'is empty')
        return table[n]
    return one


def check(path):
    """The profile, or Wrong."""
    with open(path, 'rb') as f:
        raw = f.read()
    must(raw[:2] == b'\x1f\x8b', 'is not gzip')
    p = message(gzip.decompress(raw), PROFILE)
    text = strings(p)
    for what in ('mapping', 'location', 'function'):
        ids(p[what], what)
    types = [text(t['type'], 'type', False) for t in p['sample_type']]
    must(types, 'no sample types')
    for t in p['sample_type']:
        text(t['unit'], 'unit', False)
    must(text(p['default_sample_type'], 'default type') in types, 'default type is none of', types)
    for m in p['mapping']:
        text(m['filename'], 'filename')
        text(m['build_id'], 'build id')
        must(m['memory_start'] <= m['memory_limit'], 'mapping', m['id'], 'ends before it starts')
    for f in p['function']:
        text(f['name'], 'name', False)
        text(f['system_name'], 'system name', False)
        text(f['filename'], 'filename')
    used = references(p)
    for what, count in used.items():
        must(count == set(range(1, len(p[what]) + 1)), what, 'in use:', sorted(count)[:20])
    for s in p['sample']:
        must(len(s['value']) == len(types), 'values and types differ in number')
        must(any(s['value']), 'a sample of nothing')
        must(all(v < 1 << 63 for v in s['value']), 'a negative value')
        keys = [text(l['key'], 'label key', False) for l in s['label']]
        must(len(set(keys)) == len(keys), 'a label stands twice')
        for l in s['label']:
            text(l['str'], 'label', False)
    has(p)
    return p


def references(p):
    used = {'mapping': set(), 'location': set(), 'function': set()}
    for s in p['sample']:
        must(all(s['location_id']), 'location 0')
        used['location'].update(s['location_id'])
    for l in p['location']:
        used['function'].update(n['function_id'] for n in l['line'])
        if l['mapping_id']:
            used['mapping'].add(l['mapping_id'])
        must(l['line'] or l['mapping_id'] or l['address'], 'location', l['id'], 'says nothing')
    return used


def has(p):
    """The flags of a mapping are what its locations say."""
    for m in p['mapping']:
        locations = [l for l in p['location'] if l['mapping_id'] == m['id']]
        lines = [n for l in locations for n in l['line']]
        named = all(l['line'] for l in locations)
        if m['has_functions']:
            must(named, 'mapping', m['id'], 'has a location without a function')
        if m['has_filenames']:
            must(named and all(p['function'][n['function_id'] - 1]['filename'] for n in lines),
                 'mapping', m['id'], 'has a function without a file')
        if m['has_line_numbers']:
            must(named and all(n['line'] for n in lines), 'mapping', m['id'], 'lacks a line')


def main():
    bad = 0
    for path in sys.argv[1:]:
        try:
            p = check(path)
            print('%s: %d samples, %d locations' % (path, len(p['sample']), len(p['location'])))
        except (Wrong, UnicodeDecodeError, OSError, EOFError) as e:
            print('%s: %s' % (path, e))
            bad = 1
    return bad


if __name__ == '__main__':
    sys.exit(main())
