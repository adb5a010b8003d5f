#!/usr/bin/env python3
"""run.py PORTHOLE DIR CONTAINER_ID POD_UID: judges what run.sh collected, and tries terminals."""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

porthole, folder, container, pod = sys.argv[1:5]
count = 0


def ok(good, name, why=''):
    global count
    count += 1
    print('%sok %d - %s' % ('' if good else 'not ', count, name))
    if not good and why != '':
        print('# ' + str(why).replace('\n', '\n# '))
    return good


def text(name):
    with open(os.path.join(folder, name), encoding='utf-8') as f:
        return f.read()


def lines(name):
    return [json.loads(line) for line in text(name).splitlines()]


def close_to(value, expected, share, slack):
    return abs(value - expected) <= expected * share + slack


def check_json():
    try:
        all_rows = lines('json')
    except ValueError as e:
        ok(False, 'each line is JSON', e)
        return
    ok(bool(all_rows), 'each line is JSON')
    mine = [r for r in all_rows if r['type'] == 'row' and r.get('container.full_id') == container]
    total = {k: sum(r.get(k, 0) for r in mine)
             for k in ('count.exec', 'count.fork', 'errors.exec', 'count.open', 'errors.open', 'cpu')}
    # The work (run.sh): 40 times /bin/true, and three subshells.
    programs, processes = 40, 43
    ok(total['count.exec'] == programs, 'programs run in the container are counted exactly', total)
    ok(total['count.fork'] == processes, 'so are the processes it started', total)
    ok(total['errors.exec'] == 0, 'no exec failed', total)
    ok(total['count.open'] >= 2 * programs, 'files opened: each program opens its libraries', total)
    ok(total['errors.open'] >= 3, 'failed opens', total)
    ok(total['cpu'] > 100e6, 'CPU time of the container, at least 0.1 s', total)
    ok(all(r['k8s.pod.uid'] == pod and r['container.id'] == container[:12] for r in mine),
       'rows name container and pod')
    nodes = [r for r in all_rows if r['type'] == 'node']
    ok(len(nodes) >= 3 and all(r['interval'] > 0 for r in nodes), 'a row for the node an interval')
    totals = [r for r in all_rows if r['type'] == 'totals']
    ok(len(totals) == 1 and all_rows[-1] is totals[0], 'totals come last, once')
    # What others run between the last interval and the end is in the totals alone.
    ok(totals[0]['count.exec'] >= sum(r['count.exec'] for r in nodes) >= programs,
       'totals hold all intervals', totals)
    ok(totals[0]['lost'] == 0, 'nothing was lost', totals)


def check_ends():
    for name in ('json', 'text'):
        code, took = map(int, text(name + '.end').split())
        ok(code == 0, '%s: SIGTERM ends it with 0' % name, code)
        ok(took < 1000, '%s: within a second' % name, '%d ms' % took)
    ok(text('second.code').strip() == '1' and 'runs on this node already' in text('second.err'),
       'a second agent is refused', text('second.err'))
    err = text('json.err')
    ok('on: process' in err and 'open' in err, 'says what is on', err)


def check_text():
    out = text('text').splitlines()
    board = [line for line in out if re.match(r'\d\d:\d\d:\d\d  \d+ groups: ', line)]
    ok(len(board) >= 2, 'a summary line an interval', out)
    ok(any(container[:12] in line for line in board), 'the busiest are named', out)
    ok(all(re.search(r', \d+ lost( \||$)', line) for line in board), 'losses are in each line', out)
    ok(len(out) - len(board) == 3 and out[-3].startswith('seen in ') and
       out[-2] == 'lost 0 events' and out[-1].startswith('own cost: '),
       'totals at the end: seen, lost, own cost', out[-4:])


def check_overhead():
    ok(text('overhead.code').strip() == '0', 'overhead of a running agent', text('overhead.err'))
    rows = lines('overhead.json')
    agent = [r for r in rows if r['type'] == 'agent']
    ok(len(agent) == 1 and agent[0]['running'] and agent[0]['rss_bytes'] > 1 << 20 and
       close_to(agent[0]['seconds'], 1, 0.3, 0), 'one row for the agent', agent)
    programs = {r['name']: r for r in rows if r['type'] == 'program'}
    ok('process_exec' in programs and any(r['runs'] > 0 and r['ns_per_run'] > 0
                                          for r in programs.values()),
       'its programs, with runs and ns per run', programs)
    maps = {r['name']: r for r in rows if r['type'] == 'map'}
    ok(maps.get('ring_bulk', {}).get('memory_bytes', 0) >= 1 << 20, 'its maps, with memory', maps)
    ok(all(k in text('overhead.text') for k in ('PROGRAM', 'MAP', 'LOST', 'process_exec')),
       'as text', text('overhead.text'))
    alone = lines('alone.json')
    ok(text('alone.code').strip() == '0' and not alone[0]['running'], 'overhead without an agent',
       text('alone.err'))
    names = {r['name'] for r in alone if r['type'] == 'program'}
    ok('process_exec' in names and len(names) > len(programs), 'which loads every probe', names)
    with open('/proc/sys/kernel/bpf_stats_enabled', encoding='ascii') as f:
        ok(f.read().strip() == '0', 'and leaves the statistics off')


class Terminal:
    """porthole run on a terminal of its own."""

    def __init__(self, columns, rows):
        self.out = b''
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ['TERM'] = 'xterm'
            os.execv(porthole, ['porthole', 'run', '-c', folder + '/conf.yaml', '-i', '300ms'])
        self.resize(columns, rows)
        self.before = termios.tcgetattr(self.fd)

    def resize(self, columns, rows):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))

    def read_until(self, pattern, seconds=5):
        end = time.time() + seconds
        while time.time() < end and not re.search(pattern, self.out):
            if select.select([self.fd], [], [], 0.05)[0]:
                try:
                    self.out += os.read(self.fd, 65536)
                except OSError:
                    return False
        return bool(re.search(pattern, self.out))

    def finish(self):
        try:
            while True:
                self.out += os.read(self.fd, 65536)
        except OSError:
            pass
        return os.waitpid(self.pid, 0)[1]


FRAME = rb'\x1b\[H(.*?)\x1b\[J'
LEAVE = b'\x1b[?7h\x1b[?25h\x1b[?1049l'


def frames(out):
    return [re.sub(rb'\x1b\[K|\r', b'', f).decode().split('\n')
            for f in re.findall(FRAME, out, re.S) if f]


def check_terminal():
    t = Terminal(100, 12)
    ok(t.read_until(rb'(?s)\x1b\[J.*\x1b\[J.*\x1b\[J'), 'the board is drawn again and again', t.out)
    ok(b'\x1b[?1049h' in t.out, 'on the alternate screen')
    during = termios.tcgetattr(t.fd)
    ok(not during[3] & termios.ECHO, 'typing does not show')
    t.resize(50, 6)
    t.out = b''
    t.read_until(rb'(?s)\x1b\[J.*\x1b\[J.*\x1b\[J')
    small = frames(t.out)
    ok(bool(small) and all(len(line) <= 50 for line in small[-1]) and len(small[-1]) <= 6,
       'a resized terminal gets a smaller board', small[-1:])
    os.kill(t.pid, signal.SIGTERM)
    status = t.finish()
    ok(status == 0, 'SIGTERM: exit code 0', status)
    after = t.out[t.out.rfind(LEAVE):]
    ok(after.startswith(LEAVE) and b'seen in ' in after and b'own cost: ' in after,
       'the terminal is left, then come the totals', t.out[-600:])
    for name, action, expected in (('q', lambda t: os.write(t.fd, b'q'), 0),
                                   ('Ctrl-C', lambda t: os.write(t.fd, b'\x03'), 0),
                                   ('SIGQUIT', lambda t: os.kill(t.pid, signal.SIGQUIT), None)):
        t = Terminal(80, 24)
        t.read_until(rb'\x1b\[J')
        modes = termios.tcgetattr(t.fd) if name == 'Ctrl-C' else None
        action(t)
        t.read_until(re.escape(LEAVE), 2)
        status = t.finish()
        good = status == expected if expected is not None else os.WIFSIGNALED(status)
        ok(good and t.out.rstrip().find(LEAVE) > 0, '%s ends it and gives the terminal back' % name,
           (status, t.out[-200:], modes and modes[3]))


check_json()
check_ends()
check_text()
check_overhead()
check_terminal()
print('1..%d' % count)
