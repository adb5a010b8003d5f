"""Stacks of threads that wait: offcpu_tool.c waits at the end of a known chain of calls."""
import bisect
import collections
import os
import subprocess
import sys
import time

from e2e import DIR, Watch, capable, done, objects, ok

why = capable()
if why:
    print('1..0 # SKIP ' + why)
    sys.exit(0)

HERE = os.path.dirname(os.path.abspath(__file__))
CHAIN = ['level2', 'level1', 'main']
MODES = {'mutex': 'lock', 'pipe': 'wait', 'sleep': 'sleep'}
SECONDS = 3
LEAST = 20    # waits of 20 ms each, one sample each


def symbols(path):
    rows = [line.split() for line in subprocess.check_output(['nm', path], text=True).splitlines()]
    rows = sorted((int(r[0], 16), r[2].split('.')[0]) for r in rows if len(r) == 3 and r[1] in 'tTwW')
    return [r[0] for r in rows], [r[1] for r in rows]


def build(name, *options):
    path = DIR + '/' + name
    subprocess.run(['gcc', '-std=gnu11', '-D_GNU_SOURCE', '-O2', '-g0', '-fomit-frame-pointer',
                    '-fno-optimize-sibling-calls', *options, '-o', path, HERE + '/../offcpu_tool.c',
                    '-lpthread'], check=True)
    return path


def names(sample, at, of, base):
    """Functions of the program, innermost first; None: the C library's, when it is another file."""
    out = []
    for text in sample['sched.addresses'].split(','):
        address = int(text, 16) - base
        i = bisect.bisect_right(at, address) - 1
        out.append(of[i] if 0 <= i < len(at) - 1 else None)
    return out


def check(tool, mode, samples, main, at, of):
    base = main - at[of.index('main')]
    of_state = [s for s in samples if s['sched.state'] == MODES[mode]]
    ends = collections.Counter(s['sched.end'] for s in of_state)
    right = 0
    for s in of_state:
        if s['sched.end'] == 'whole':
            n = names(s, at, of, base)
            first = 'wait_' + mode
            i = n.index(first) if first in n else -1
            right += i > 0 and n[i + 1:i + 4] == CHAIN
    ok(len(of_state) >= LEAST and right >= 0.95 * len(of_state),
       '%s %s: the stacks lead from the wait to main' % (tool, mode),
       '%d right of %d samples, ends %s' % (right, len(of_state), dict(ends)))


def main():
    tools = {'dynamic': build('offcpu-dynamic'), 'static': build('offcpu-static', '-static')}
    w = Watch('--kind', 'offcpu', '--where', 'proc.name startswith offcpu- and evt.type=offcpu', '-f',
              'proc.pid,thread.tid,sched.state,sched.end,sched.frames,sched.addresses')
    time.sleep(0.5)
    running = [(tool, mode, subprocess.Popen([path, mode, str(SECONDS)], stdout=subprocess.PIPE))
               for tool, path in tools.items() for mode in MODES]
    runs = [(tool, mode, p.pid, int(p.communicate()[0], 16)) for tool, mode, p in running]
    code, out, err = w.stop()
    ok(code == 0, 'events ends cleanly', err)
    by_thread = collections.defaultdict(list)
    for e in objects(out):
        if 'sched.addresses' in e:
            by_thread[e['thread.tid']].append(e)
    for tool, mode, pid, at_main in runs:
        check(tool, mode, by_thread[pid], at_main, *symbols(tools[tool]))
    done()


main()
