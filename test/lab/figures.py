"""What the kernel itself says of a container while its case runs: proof that a case is sick as it claims."""
import glob
import os
import re
import subprocess
import time


def _read(path):
    try:
        with open(path) as f:
            return f.read()
    except OSError:
        return ''


def number(path):
    text = _read(path).strip()
    return int(text) if text.isdigit() else 0


def _pairs(path):
    return {k: int(v) for k, v in re.findall(r'^(\w+):?\s+(\d+)', _read(path), re.M)}


def pids_of(cgroup):
    return [int(x) for x in _read('/sys/fs/cgroup/memory%s/cgroup.procs' % cgroup).split()]


def _cgroup(cgroup):
    cpu, memory = '/sys/fs/cgroup/cpu' + cgroup, '/sys/fs/cgroup/memory' + cgroup
    stat, m = _pairs(cpu + '/cpu.stat'), _pairs(memory + '/memory.stat')
    return {'cpu_ms': number('/sys/fs/cgroup/cpuacct%s/cpuacct.usage' % cgroup) / 1e6,
            'periods': stat.get('nr_periods', 0), 'throttled': stat.get('nr_throttled', 0),
            'limit_hits': number(memory + '/memory.failcnt'),
            'oom_kills': _pairs(memory + '/memory.oom_control').get('oom_kill', 0),
            'refaults': m.get('workingset_refault_file', m.get('workingset_refault', 0)),
            'major': m.get('pgmajfault', 0), 'minor': m.get('pgfault', 0)}


def _threads(pids):
    sums = {'vol': 0, 'invol': 0, 'waited_ms': 0, 'processes': len(pids), 'threads': 0, 'fds': 0}
    for t in (t for p in pids for t in glob.glob('/proc/%d/task/*' % p)):
        s = _pairs(t + '/status')
        sums['vol'] += s.get('voluntary_ctxt_switches', 0)
        sums['invol'] += s.get('nonvoluntary_ctxt_switches', 0)
        sums['waited_ms'] += int((_read(t + '/schedstat').split() + ['0', '0'])[1]) / 1e6
        sums['threads'] += 1
    for p in pids:
        try:
            sums['fds'] += len(os.listdir('/proc/%d/fd' % p))
        except OSError:
            pass
    return sums


def _net(pid):
    out = {}
    for path in ('snmp', 'netstat'):
        lines = _read('/proc/%d/net/%s' % (pid, path)).split('\n')
        for head, values in zip(lines[::2], lines[1::2]):
            if head.startswith(('Tcp', 'Udp:')):
                out.update(zip((head.split(':')[0] + '.' + x for x in head.split()[1:]),
                               map(int, values.split()[1:])))
    return {k: v for k, v in out.items() if k in (
        'Tcp.RetransSegs', 'Tcp.OutSegs', 'Tcp.AttemptFails', 'Tcp.EstabResets', 'Tcp.OutRsts',
        'TcpExt.ListenOverflows', 'Udp.InDatagrams')}


def _take(pod):
    pids = pids_of(pod.cgroup)
    return {**_cgroup(pod.cgroup), **_threads(pids), **_net(pod.holder.pid)}


def _calls(pod, seconds):
    """The commonest calls by strace, which slows them down: proportions, not rates."""
    pids = pids_of(pod.cgroup)
    if not pids:
        return ''
    p = subprocess.run(['timeout', '-s', 'INT', str(seconds), 'strace', '-f', '-c', '-w', '-S', 'calls'] +
                       [x for pid in pids for x in ('-p', str(pid))], stderr=subprocess.PIPE,
                       stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
    rows = [line.split() for line in p.stderr.decode('utf-8', 'replace').split('\n')]
    rows = [r for r in rows if len(r) in (5, 6) and r[0][0].isdigit() and r[-1] != 'total']
    return ', '.join('%s %s%s' % (r[-1], r[3], ' (%s failed)' % r[4] if len(r) == 6 else '')
                     for r in rows[:4])


def show(pod, seconds):
    """Prints what changed in so many seconds."""
    began, a = time.monotonic(), _take(pod)
    time.sleep(seconds)
    took, b = time.monotonic() - began, _take(pod)
    rates = ['%s %.1f' % (k, (b[k] - a.get(k, 0)) / took) for k in b
             if k not in ('processes', 'threads') and abs(b[k] - a.get(k, 0)) / took >= 0.05]
    print('    a second: ' + ', '.join(rates))
    memory = '/sys/fs/cgroup/memory' + pod.cgroup
    print('    now: %d processes, %d threads, %d descriptors; memory %.1f of %.0f MiB, rss %.1f, cache %.1f' % (
        b['processes'], b['threads'], b['fds'], number(memory + '/memory.usage_in_bytes') / 2**20,
        number(memory + '/memory.limit_in_bytes') / 2**20, _pairs(memory + '/memory.stat').get('rss', 0) / 2**20,
        _pairs(memory + '/memory.stat').get('cache', 0) / 2**20))
    calls = _calls(pod, 1)
    if calls:
        print('    calls: ' + calls)
