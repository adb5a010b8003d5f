"""Checks the samples of profile.sh: each program's stacks must be its chain of calls. Prints TAP."""
import bisect
import collections
import json
import sys

# Innermost first; what main is called by is the C library's.
CHAINS = {
    'chain': ['burn', 'level3', 'level2', 'level1', 'main'],
    'deep': ['burn'] + ['deep'] * 600 + ['main'],
    'signal': ['burn', 'handler', None, 'raiser', None, 'main'],
    'altstack': ['burn', 'handler', None, 'raiser', None, 'main'],
    'jit': ['burn', 'callback', None, None, 'main'],
}
LEAST = 20          # samples of a run; 4 s of a fifth of two CPUs at 99 Hz give some 150


class Symbols:
    def __init__(self, path):
        rows = [line.split() for line in open(path)]
        rows = sorted((int(r[0], 16), r[2]) for r in rows if len(r) == 3 and r[1] in 'tTwW')
        self.at = [r[0] for r in rows]
        self.names = [r[1].split('.')[0] for r in rows]
        self.main = self.at[self.names.index('main')]

    def name(self, address):
        i = bisect.bisect_right(self.at, address) - 1
        return self.names[i] if i >= 0 else None


def frames(sample, symbols, base):
    """Function names, innermost first; None outside of the program."""
    out = []
    for text in sample['sample.addresses'].split(','):
        address = int(text, 16) - base
        known = symbols.at[0] <= address < symbols.at[-1] + 65536
        out.append(symbols.name(address) if known else None)
    return out


def matches(names, chain):
    """The chain from the innermost frame on. None: any names, at least none, of others."""
    i = 0
    for want in chain:
        if want is None:
            while i < len(names) and names[i] not in OWN:
                i += 1
            continue
        if i >= len(names) or names[i] != want:
            return False
        i += 1
    return True


OWN = {'burn', 'level1', 'level2', 'level3', 'deep', 'handler', 'raiser', 'callback', 'main',
       'signal_run', 'jit_run'}


def check(n, ok, name, why):
    print('%s %d - %s' % ('ok' if ok else 'not ok', n, name))
    if not ok:
        print('# ' + why)
    return ok


def run_check(folder, tool, what, samples):
    symbols = Symbols('%s/%s.nm' % (folder, tool))
    base = int(open('%s/%s.%s' % (folder, tool, what)).read(), 16) - symbols.main
    user = [s for s in samples if s['sample.mode'] == 'user']
    ends = collections.Counter(s['sample.end'] for s in user)
    whole = [s for s in user if s['sample.end'] == 'whole']
    chain = CHAINS[what]
    if what in ('signal', 'altstack', 'jit'):   # a function between main and the rest, perhaps inlined
        chain = chain[:-1]
    wrong, burning = [], 0
    for s in whole:
        names = frames(s, symbols, base)
        if names[0] != 'burn':
            continue            # start, end, clock_gettime
        burning += 1
        if not matches(names, chain) or 'main' not in names:
            wrong.append(names)
    print('# %s %s: %d samples, ends %s' % (tool, what, len(samples), dict(ends)))
    if len(user) < LEAST:
        return False, 'only %d samples' % len(user)
    if wrong:
        return False, '%d of %d stacks are wrong: %s' % (len(wrong), burning, wrong[0][:12])
    return burning >= LEAST // 2 and len(whole) >= 0.5 * len(user), 'only %d whole of %d' % (
        len(whole), len(user))


def main():
    folder = sys.argv[1]
    by_pid = collections.defaultdict(list)
    dd = []
    bad = 0
    for line in open(folder + '/samples'):
        s = json.loads(line)
        bad += 'sample.mode' not in s or 'sample.end' not in s
        by_pid[s['proc.pid']].append(s)
        if s['proc.name'] == 'dd':
            dd.append(s)
    n = 1
    check(n, bad == 0, 'every sample has a mode and an end', '%d have not' % bad)
    for line in open(folder + '/runs'):
        pid, tool, what = line.split()
        n += 1
        ok, why = run_check(folder, tool, what, by_pid[int(pid)])
        check(n, ok, '%s: %s' % (tool, what), why)
    kernel = [s for s in dd if s['sample.mode'] == 'kernel']
    deep = [s for s in kernel if s['sample.kernel_depth'] >= 4]
    both = [s for s in kernel if s['sample.end'] == 'whole']
    n += 1
    check(n, len(kernel) >= 10 and len(deep) >= 0.8 * len(kernel),
          'dd: most samples are the kernel\'s, with its stack',
          '%d of %d in the kernel, %d deep' % (len(kernel), len(dd), len(deep)))
    n += 1
    check(n, len(both) >= 0.5 * len(kernel), 'dd: and the program\'s stack below it',
          '%d of %d: %s' % (len(both), len(kernel),
                            dict(collections.Counter(s['sample.end'] for s in kernel))))
    print('1..%d' % n)


main()
