#!/usr/bin/env python3
"""Compares unwind tables with what readelf makes of the same files, byte by byte of code.

    unwind.py PROGRAM FILE-OR-FOLDER...     PROGRAM is the built unwind_files_test
    unwind.py --sample N PROGRAM FOLDER     N files of it, spread over it by size
    unwind.py --debug DEBUG_FILE PROGRAM FILE

readelf's own tables (--debug-dump=frames-interp) are the reference; what they leave open (they say
`exp` for any expression) is taken from its list of instructions. Both sides are step functions from
offset in the file to rule, and they are compared at every step of either. A difference is explained
when this program, which knows nothing of ours, sees in readelf's text why no rule can say it; the
reasons are counted. Exit status 1: some difference is not explained.
"""
import bisect
import collections
import os
import re
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

GAP_JOINED = 15
REGS = {n: i for i, n in enumerate('rax rdx rcx rbx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 rip'.split())}
FDE = re.compile(r'^([0-9a-f]+) [0-9a-f]+ [0-9a-f]+ FDE cie=([0-9a-f]+) pc=([0-9a-f]+)\.\.([0-9a-f]+)')
CIE = re.compile(r'^([0-9a-f]+) [0-9a-f]+ [0-9a-f]+ CIE')
SECTION = re.compile(r'^Contents of the (\S+) section')
BREG = re.compile(r'^DW_OP_breg(\d+) \(\w+\): (-?\d+)(?:; (DW_OP_deref))?(?:; DW_OP_plus_uconst: (\d+))?$')
PLT = re.compile(r'^DW_OP_breg7 \(rsp\): 8; DW_OP_breg16 \(rip\): 0; DW_OP_lit15; DW_OP_and; DW_OP_lit(\d+); '
                 r'DW_OP_ge; DW_OP_lit3; DW_OP_shl; DW_OP_plus$')
NONE, INVALID, STOP = ('none',), ('invalid',), ('stop',)
SAME, LOST = (0, 0), (3, 0)     # rules for rbp


def segments(path):
    """-> [(vaddr, offset, bytes)] of code; None when it is not an x86-64 program or library."""
    with open(path, 'rb') as f:
        head = f.read(64)
        if len(head) < 64 or head[:6] != b'\x7fELF\2\1':
            return None
        kind, machine = struct.unpack_from('<HH', head, 16)
        if machine != 62 or kind not in (2, 3):
            return None
        phoff, = struct.unpack_from('<Q', head, 32)
        size, n = struct.unpack_from('<HH', head, 54)
        f.seek(phoff)
        table = f.read(size * n)
    rows = [struct.unpack_from('<IIQQQQQQ', table, i * size) for i in range(n)]
    return [(vaddr, off, filesz) for kind, flags, off, vaddr, _, filesz, _, _ in rows
            if kind == 1 and flags & 1]


def run(*argv):
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding='utf-8',
                          errors='replace', env=dict(os.environ, LC_ALL='C')) as p:
        yield from p.stdout


class Ours:
    """The table as PROGRAM prints it."""

    def __init__(self, program, path, debug):
        self.offs, self.rules, self.counts, self.flags, self.error = [], [], {}, 0, None
        self.rows, known, base = 0, [], 0
        for line in run(program, 'rows', path, *([debug] if debug else [])):
            word = line.split()
            if word[0] == 'rule':
                known.append(self.rule(word[1], [int(x) for x in word[2:]]))
            elif word[0] == 'page':
                self.step(base, NONE)
                base = int(word[1], 16) << 16
                self.step(base, NONE)
                base += 1 << 16
            elif word[0] == 'count':
                self.counts[word[1]] = int(word[2])
            elif word[0] == 'flags':
                self.flags = int(word[1])
            elif word[0] == 'error':
                self.error = line.strip()
            else:
                self.rows += 1
                self.step(base - (1 << 16) + int(word[0], 16), known[int(word[1])])
        self.step(base, NONE)

    def step(self, off, rule):
        if self.offs and self.offs[-1] == off:
            self.offs.pop(), self.rules.pop()
        self.offs.append(off)
        self.rules.append(rule)

    @staticmethod
    def rule(kind, numbers):
        reg, off, add, rbp, rbp_off, ra, ra_off = numbers
        if kind in ('invalid', 'stop'):
            return (kind,)
        if kind == 'signal':
            return (kind, off)
        return (kind, reg, off, add, (rbp, rbp_off), (ra, ra_off))


class Why(Exception):
    """A row that no rule can say, with the reason."""


def far(v):
    if not -2**31 <= v < 2**31:
        raise Why('offset of more than 32 bits')
    return v


class Instructions:
    """Expressions of the functions that have some, from readelf's list of instructions."""

    def __init__(self, paths, wanted):
        self.cfa = {}                           # (section, entry) -> [(pc, {'cfa' or register: text})]
        self.signal, initial = set(), {}        # by CIE
        key = section = cie = None
        for line in (line for path in paths for line in run('readelf', '-wN', '--debug-dump=frames', path)):
            m = SECTION.match(line)
            if m:
                section = m.group(1)
                continue
            m = FDE.match(line)
            if m:
                key = (section, m.group(1))
                cie = None
                if key not in wanted:
                    key = None
                else:
                    pc = int(m.group(3), 16)
                    now, stack = dict(initial.get((section, m.group(2)), {})), []
                    rows = self.cfa.setdefault(key, [])
                    rows.append((pc, dict(now)))
                continue
            m = CIE.match(line)
            if m:
                cie, key = (section, m.group(1)), None
                initial[cie] = {}
                continue
            if cie and 'Augmentation:' in line and 'S' in line.split('"')[1]:
                self.signal.add(cie)
            if cie and line.startswith('  DW_CFA'):
                _, initial[cie] = self.instruction(line.strip(), 0, initial[cie], [])
            elif key and line.startswith('  DW_CFA'):
                pc, now = self.instruction(line.strip(), pc, now, stack)
                if rows and rows[-1][0] == pc:
                    rows.pop()
                rows.append((pc, dict(now)))

    @staticmethod
    def instruction(text, pc, now, stack):
        m = re.search(r' to ([0-9a-f]+)$', text)
        if text.startswith(('DW_CFA_advance', 'DW_CFA_set_loc')) and m:
            return int(m.group(1), 16), now
        name = text.split(':')[0].split(' ')[0]
        expression = re.search(r'\((DW_OP.*)\)$', text)
        reg = re.search(r': r(\d+)', text)
        if name == 'DW_CFA_remember_state':
            stack.append(dict(now))
        elif name == 'DW_CFA_restore_state':
            now = stack.pop()
        elif name.startswith('DW_CFA_def_cfa'):
            now['cfa'] = expression.group(1) if expression else None
        elif reg:
            now[int(reg.group(1))] = (name[len('DW_CFA_'):], expression.group(1) if expression else text)
        return pc, now

    def at(self, key, pc):
        rows = self.cfa.get(key, [])
        i = bisect.bisect_right(rows, pc, key=lambda r: r[0])
        return rows[i - 1][1] if i else {}


class Readelf:
    """readelf's tables as functions: [(start, end, section, entry, cie, [(pc, columns)])]."""

    def __init__(self, path, sections):
        self.functions, self.cies, self.rows = [], {}, 0
        section = rows = names = None
        for line in run('readelf', '-wN', '--debug-dump=frames-interp', path):
            m = SECTION.match(line)
            if m:
                section = m.group(1)
                continue
            if section not in sections:
                continue
            m = FDE.match(line)
            if m:
                rows, names = [], None
                start, end = int(m.group(3), 16), int(m.group(4), 16)
                self.functions.append((start, end, section, m.group(1), m.group(2), rows))
                continue
            m = CIE.match(line)
            if m:
                rows = self.cies[section, m.group(1)] = []
                names = None
                continue
            word = re.sub(r' \(\w+\)', '', line).split()     # r5 (rdi)
            if word[1:] == ['ZERO', 'terminator']:
                rows = None
            elif word[:2] == ['LOC', 'CFA']:
                names = word[1:]
            elif names and rows is not None and len(word) == len(names) + 1:
                rows.append((int(word[0], 16), dict(zip(names, word[1:]))))
                self.rows += 1

    def needs(self):
        """Functions whose text is not enough."""
        plain = re.compile(r'^(c[-+]\d+|u)$')

        def hard(c):
            return (c['CFA'] == 'exp' or c.get('ra') == 'u' or
                    any(not plain.match(c.get(k, 'u')) for k in ('rbp', 'rsp', 'ra')))
        return {(f[2], f[3]) for f in self.functions
                if any(hard(c) for _, c in f[5] or self.cies.get((f[2], f[4]), []))}


def saved(text, said, cfa):
    """A column such as `c-16` -> offset from the CFA, or None."""
    m = re.match(r'^c([-+]\d+)$', text)
    if m:
        return far(int(m.group(1)))
    m = BREG.match(said[1]) if text == 'exp' and said and said[0] == 'expression' else None
    if m and not m.group(3) and not m.group(4) and cfa[0] == 'reg' and cfa[1] == int(m.group(1)):
        return far(int(m.group(2)) - cfa[2])
    return None


def cfa_of(text, said):
    """-> (kind, reg, off, add)"""
    m = re.match(r'^(\w+)([-+]\d+)$', text)
    if m:
        if REGS.get(m.group(1), 16) > 15:
            raise Why('register %s for the frame address' % m.group(1))
        return 'reg', REGS[m.group(1)], far(int(m.group(2))), 0
    if text != 'exp' or not said.get('cfa'):
        raise Why('frame address: ' + text)
    m = PLT.match(said['cfa'])
    if m:
        return 'plt', 7, int(m.group(1)), 0
    m = BREG.match(said['cfa'])
    if not m or int(m.group(1)) > 15:
        raise Why('expression for the frame address: ' + re.sub(r'-?\d+(?=[;)]|$)', 'N', said['cfa']))
    reg, off, add = int(m.group(1)), far(int(m.group(2))), far(int(m.group(4) or 0))
    return ('deref', reg, off, add) if m.group(3) else ('reg', reg, far(off + add), 0)


def rbp_of(text, said, cfa, notes):
    if text in ('u', 's'):
        return LOST if said and said[0] == 'undefined' else SAME
    off = saved(text, said, cfa)
    if off is not None:
        return 1, off
    m = BREG.match(said[1]) if text == 'exp' and said else None
    if m and int(m.group(1)) == 6 and not m.group(3) and not m.group(4):
        return 2, far(int(m.group(2)))
    notes['rbp lost: ' + text] += 1
    return LOST


def expected(columns, said, signal, notes):
    """The rule that a row of readelf's stands for; raises Why."""
    ra, rsp = columns.get('ra', 'u'), columns.get('rsp', 'u')
    if said.get(16, ('',))[0] == 'undefined':
        return STOP
    if signal and columns['CFA'] == 'exp' and ra == 'exp':
        m = BREG.match(said['cfa'])
        off = int(m.group(2)) - 160
        for reg, at in (6, 120), (16, 168):
            if said[reg] != ('expression', 'DW_OP_breg7 (rsp): %d' % (off + at)):
                raise Why('signal frame of another form')
        return 'signal', off
    if rsp != 'u':
        raise Why('rule for rsp: ' + rsp)
    cfa = cfa_of(columns['CFA'], said)
    off = saved(ra, said.get(16), cfa)
    if off is not None:
        back = (0, off)
    elif ra in REGS or re.match(r'^r\d+$', ra):
        back = (1, REGS.get(ra) if ra in REGS else int(ra[1:]))
    else:
        raise Why('rule for the return address: ' + ra)
    return cfa + (rbp_of(columns.get('rbp', 'u'), said.get(6), cfa, notes), back)


class File:
    def __init__(self, program, path, debug=None):
        self.path, self.code, self.debug = path, segments(path), debug
        self.notes, self.wrong, self.steps, self.rows = collections.Counter(), [], 0, 0
        self.ours = None
        if not self.code:
            return
        self.ours = Ours(program, path, debug)
        if self.ours.error:
            self.wrong.append(self.ours.error)
            return
        self.offs, self.rules = [], []
        self.reference()
        self.compare()

    def offset(self, vaddr):
        for start, off, n in self.code:
            if start <= vaddr < start + n:
                return off + vaddr - start, off + n
        return None, None

    def placed(self, readelf):
        """Functions by offset, without those that are nowhere; of .debug_frame what is new."""
        found = {'.eh_frame': [], '.debug_frame': []}
        for i, f in enumerate(readelf.functions):
            off, most = self.offset(f[0])
            if off is None or f[0] == 0 or f[1] == f[0]:
                self.notes['functions outside of code'] += 1
            else:
                found[f[2].replace('.z', '.')].append((off, min(off + f[1] - f[0], most), i))
        first = sorted(found['.eh_frame'])
        starts = [f[0] for f in first]
        for f in found['.debug_frame']:
            i = bisect.bisect_left(starts, f[1])
            if i and first[i - 1][1] > f[0]:
                self.notes['functions in both sections'] += 1
            else:
                first.append(f)
        return sorted(first)

    def step(self, off, rule):
        if self.offs and self.offs[-1] == off:
            self.offs.pop(), self.rules.pop()
        if not self.rules or self.rules[-1] != rule:
            self.offs.append(off)
            self.rules.append(rule)

    def reference(self):
        sections = ['.eh_frame'] if self.ours.flags & 2 else ['.eh_frame', '.debug_frame', '.zdebug_frame']
        readelf = Readelf(self.debug or self.path, sections)
        if self.debug:
            eh = Readelf(self.path, ['.eh_frame'])
            readelf.functions = eh.functions + readelf.functions
            readelf.cies.update(eh.cies)
        self.rows = readelf.rows
        needs = readelf.needs()
        instructions = Instructions([self.path] + ([self.debug] if self.debug else []), needs) if needs else None
        functions, at = self.placed(readelf), 0
        for i, (start, end, index) in enumerate(functions):
            if i and functions[i - 1][0] == start:
                self.notes['functions twice'] += 1
                continue
            later = next((f[0] for f in functions[i + 1:i + 1000] if f[0] > start), 1 << 62)
            self.notes['functions cut by the next'] += end > later
            if start > at and (not i or start - at > GAP_JOINED):
                self.step(at, NONE)
            at = min(end, later)
            self.function(readelf, instructions, start, at, readelf.functions[index])
        self.step(at, NONE)

    def function(self, readelf, instructions, off, end, f):
        start, _, section, entry, cie, rows = f
        if not rows:
            rows = [(start, readelf.cies[section, cie][-1][1])]
        for pc, columns in rows:
            if off + pc - start >= end:
                self.notes['rows behind their function'] += 1
                continue
            said = instructions.at((section, entry), pc) if instructions else {}
            signal = instructions and (section, cie) in instructions.signal
            try:
                rule = expected(columns, said, signal, self.notes)
            except Why as why:
                self.notes['not described, ' + str(why)] += 1
                rule = INVALID
            self.step(off + pc - start, rule)

    def compare(self):
        ours, i, j = self.ours, 0, 0
        for off in sorted(set(self.offs) | set(ours.offs)):
            while i < len(self.offs) and self.offs[i] <= off:
                i += 1
            while j < len(ours.offs) and ours.offs[j] <= off:
                j += 1
            want = self.rules[i - 1] if i else NONE
            have = ours.rules[j - 1] if j else NONE
            self.steps += 1
            if want == have or (want, have) == (NONE, INVALID) or (want, have) == (INVALID, NONE):
                continue
            if want == NONE and have[0] == 'frame' and (ours.flags or ours.counts.get('frames_made')):
                self.notes['code by frame pointer'] += 1
            elif want == NONE and (have == STOP and ours.counts.get('entry_made') or ours.counts.get('plt_made')):
                self.notes['linkage table or entry stub by its code'] += 1
            else:
                self.wrong.append('%x: readelf %s, ours %s' % (off, want, have))


def elf_files(folder):
    seen = set()
    for top, _, names in os.walk(folder):
        for name in sorted(names):
            path = os.path.join(top, name)
            try:
                st = os.stat(path)
                if os.path.islink(path) or not os.path.isfile(path) or (st.st_dev, st.st_ino) in seen:
                    continue
                if segments(path):
                    seen.add((st.st_dev, st.st_ino))
                    yield st.st_size, path
            except OSError:
                continue


def sample(folder, n, most=4 << 20):
    files = sorted(f for f in elf_files(folder) if f[0] <= most)
    return [files[i * len(files) // n][1] for i in range(min(n, len(files)))]


def main(argv):
    n = debug = None
    if argv and argv[0] == '--sample':
        n, argv = int(argv[1]), argv[2:]
    if argv and argv[0] == '--debug':
        debug, argv = argv[1], argv[2:]
    if len(argv) < 2:
        sys.exit(__doc__)
    program, paths = argv[0], []
    for a in argv[1:]:
        if os.path.isdir(a):
            paths += sample(a, n) if n else [p for _, p in sorted(elf_files(a))]
        else:
            paths.append(a)
    notes, wrong, files, steps, rows, ours = collections.Counter(), 0, 0, 0, 0, 0
    with ThreadPoolExecutor(1) as pool:
        for f in pool.map(lambda p: File(program, p, debug), paths):
            if not f.code:
                continue
            files, steps, rows, ours = files + 1, steps + f.steps, rows + f.rows, ours + f.ours.rows
            notes += f.notes
            wrong += len(f.wrong)
            for line in f.wrong[:10]:
                print('%s: %s' % (f.path, line))
            sys.stdout.flush()
    for what, count in sorted(notes.items()):
        print('  %8d %s' % (count, what))
    print('%d files, %d rows of readelf, %d rows of ours, %d steps compared, %d unexplained'
          % (files, rows, ours, steps, wrong))
    return 1 if wrong or not files else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
