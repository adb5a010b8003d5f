"""Where threads' time goes: sched_tool.c spends a known time in one state, porthole must say so."""
import json
import os
import subprocess
import sys
import time

from e2e import DIR, Watch, at_end, capable, done, objects, ok, skip

why = capable()
if why:
    print('1..0 # SKIP ' + why)
    sys.exit(0)

HERE = os.path.dirname(os.path.abspath(__file__))
TOOL = DIR + '/sched_tool'
STATES = ('running runnable throttled disk network lock pagefault sleep wait other poll '
          'stopped').split()
MS = 1000000
# Mode, the state that its time is spent in, at least this part of what is not spent ready or running.
QUIET = [('futex', 'lock'), ('sleep', 'sleep'), ('pipe', 'wait'), ('socket', 'network'),
         ('epoll', 'poll'), ('child', 'wait'), ('migrate', 'wait')]
DISK = DIR if os.stat('/var/tmp').st_dev == os.stat(DIR).st_dev else '/var/tmp'
V1 = '/sys/fs/cgroup/cpu'


def tool(mode, seconds=1, **kw):
    return subprocess.Popen([TOOL, mode, str(seconds), DISK + '/sched_tool.data'],
                            stdout=subprocess.PIPE, **kw)


def result(p):
    return json.loads(p.communicate()[0])


def quota_group():
    """A cgroup that may use a fifth of a CPU: (file for process ids, file of its statistics), or None."""
    v1 = os.path.exists(V1 + '/cpu.cfs_quota_us') or os.path.exists(V1 + '/tasks')
    group = (V1 if v1 else '/sys/fs/cgroup') + '/porthole-e2e-sched-%d' % os.getpid()
    rows = [('cpu.cfs_period_us', '100000'), ('cpu.cfs_quota_us', '20000')] if v1 else \
        [('cpu.max', '20000 100000')]
    try:
        os.mkdir(group)
        at_end(os.rmdir, group)
        for name, value in rows:
            with open(group + '/' + name, 'w') as f:
                f.write(value)
    except OSError as e:
        print('# no quota: %s' % e)
        return None
    return group + ('/tasks' if v1 else '/cgroup.procs'), group + '/cpu.stat'


def enter(path):
    def f():
        with open(path, 'w') as group:
            group.write(str(os.getpid()))
    return f


def collect(data):
    """-> (the last times of each thread, weights of samples by thread and state, who took CPUs)"""
    times, weights, taken = {}, {}, []
    for e in objects(data):
        if e['evt.type'] == 'thread_times':
            times[e['thread.tid']] = e
        elif e['evt.type'] == 'cpu_taken':
            taken.append(e)
        else:
            key = e['thread.tid'], e['sched.state']
            weights[key] = weights.get(key, 0) + e['sched.lost']
    return times, weights, taken


def spent(e, state):
    return e['sched.time.' + state]


def show(e):
    return ' '.join('%s %.1f ms' % (s, spent(e, s) / MS) for s in STATES if spent(e, s))


def main():
    subprocess.run(['gcc', '-O2', '-o', TOOL, HERE + '/../sched_tool.c', '-lpthread'], check=True)
    group = quota_group()
    w = Watch('--kind', 'offcpu', '--where', 'proc.name=sched_tool')
    takers = Watch('--kind', 'offcpu', '--where', 'evt.type=cpu_taken')
    time.sleep(0.3)
    running = [tool(mode, 2) for mode, _ in QUIET]
    tools = {r['mode']: r for r in map(result, running)}
    for mode in ('fsync', 'fault', 'contend'):
        tools[mode] = result(tool(mode))
    if group:
        tools['spin'] = result(tool('spin', preexec_fn=enter(group[0])))
        stat = dict(line.split() for line in open(group[1]))
    at_end(lambda: os.path.exists(DISK + '/sched_tool.data') and os.unlink(DISK + '/sched_tool.data'))
    code, out, err = w.stop()
    ok(code == 0, 'events ends cleanly', err)
    times, weights, _ = collect(out)
    last = {(t['sched.waiting'], t.get('proc.pid')): t for t in collect(takers.stop()[1])[2]}
    for mode, r in tools.items():
        r['times'] = times.get(r['pid'])
    missing = [m for m, r in tools.items() if not r['times']]
    if not ok(not missing, 'each thread has its times', missing):
        done()
    for mode, r in tools.items():
        e = r['times']
        total = sum(spent(e, s) for s in STATES)
        ok(abs(total - e['sched.total']) < MS and abs(total - r['wall']) < 100 * MS and e['sched.ended'],
           mode + ': the states add up to its life', show(e), r)
        # What woke up an idle CPU has run since its wakeup for the kernel, whose clock stands until the
        # switch (rq_clock_skip_update); it is ready for us. Some 8 us a switch; and steal.
        early = min(spent(e, 'runnable'), (e['sched.voluntary'] + e['sched.involuntary']) * 15000)
        ok(spent(e, 'running') > 0.9 * r['cpu'] - early - 20 * MS,
           mode + ': it ran for the CPU time it had', show(e), r['cpu'] / MS, early / MS)
    for mode, state in QUIET:
        e, r = tools[mode]['times'], tools[mode]
        left = r['in'] - spent(e, 'running') - spent(e, 'runnable')
        ok(spent(e, state) > 0.95 * left - 20 * MS and spent(e, state) <= e['sched.total'],
           '%s: its time is %s' % (mode, state), show(e))
        ok(weights.get((r['pid'], state), 0) > 0.9 * spent(e, state) - 60 * MS and
           weights.get((r['pid'], state), 0) <= spent(e, state) + MS,
           mode + ': the samples\' weights add up to it', weights.get((r['pid'], state), 0) / MS, show(e))
    ok(tools['migrate']['times']['sched.migrations'] >= 20 or os.cpu_count() == 1,
       'migrate: it was on another CPU each time', tools['migrate']['times']['sched.migrations'])
    e = tools['fsync']['times']
    waits = sum(spent(e, s) for s in STATES if s not in ('running', 'runnable'))
    ok(spent(e, 'disk') > 0.9 * waits, 'fsync: what it waits for is disk', show(e))
    e = tools['fault']['times']
    if spent(e, 'pagefault') + spent(e, 'disk') < 5 * MS:
        skip('fault: what it waits for is pages', 'the file system did not let go of its pages')
    else:
        ok(spent(e, 'pagefault') > spent(e, 'disk'), 'fault: what it waits for is pages', show(e))
    e = tools['contend']['times']
    ok(spent(e, 'runnable') > 0.35 * e['sched.total'], 'contend: half of it waits for a CPU', show(e))
    ok(sum(t['sched.taken'] for t in last.values()) > 0.8 * spent(e, 'runnable') and
       any(t.get('proc.name') == 'sched_tool' for t in last.values()),
       'contend: who took the CPU is known', show(e),
       [(t.get('proc.name'), t['sched.taken'] / MS) for t in last.values()])
    if group and int(stat['nr_throttled']) == 0:
        skip('quota: throttled for as long as the cgroup was', 'too little CPU to use up a quota')
    elif group:
        e = tools['spin']['times']
        throttled = int(stat.get('throttled_time') or int(stat.get('throttled_usec', 0)) * 1000)
        ok(abs(spent(e, 'throttled') - throttled) < 0.2 * throttled + 20 * MS, 'quota: throttled for as long as the cgroup was',
           show(e), stat)
    else:
        skip('quota: throttled for as long as the cgroup was', 'no cgroup with a quota here')
    done()


main()
