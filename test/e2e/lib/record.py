"""porthole record, live."""
import os
import signal
import stat
import subprocess
import sys
import time

from e2e import DIR, PORTHOLE, Watch, capable, child, done, eq, objects, ok, run, spawn, start

why = capable()
if why:
    print('1..0 # SKIP ' + why)
    sys.exit(0)

CAP = DIR + '/x.cap'


def opens(where, n=20):
    for i in range(n):
        try:
            os.open('%s/%s-%d' % (DIR, where, i), os.O_RDONLY)
        except OSError:
            pass


def work():
    for i in range(10):
        spawn('/bin/true', 'round', str(i))
    child(lambda: opens('yes'))
    child(lambda: opens('no'))
    spawn('/bin/sh', '-c', 'cat %s/yes-cat; exit 3' % DIR)


def replay(*args, cap=CAP):
    status, out, err = run('events', '-o', 'json', '--replay', cap, *args)
    return status, objects(out), err


def bare(events):
    """Without what differs between two recordings of one thing: the moment it was noticed."""
    return sorted(str(sorted((k, v) for k, v in e.items() if k != 'evt.time')) for e in events)


def same_answers():
    kinds = ('--kind', 'exec,open,exit')
    queries = [(), ('--where', 'fd.name contains /yes-'), ('--where', 'exit.code=3'),
               ('--where', 'proc.cmdline startswith "true round"')]
    r = Watch('-w', CAP, *kinds, command=('record',), wait=False)
    live = [Watch(*kinds, *q, wait=False) for q in queries]
    for w in [r] + live:
        w.ready()
    first = spawn('/bin/true', 'begin')
    work()
    last = spawn('/bin/true', 'end')
    seen = [w.events(settle=0.3) for w in live]
    status, out, err = r.stop()
    eq((status, out), (0, b''), 'record ends well')
    ok(err.startswith(b'porthole: ') and err.count(b'\n') == 1 and CAP.encode() in err,
       'one line of summary', err)
    eq(stat.S_IMODE(os.stat(CAP).st_mode), 0o600, 'only its owner may read it')

    def between(events):
        """From the first mark to the last, both known to both."""
        return [e for e in events if first <= e['proc.pid'] <= last]
    for q, events in zip(queries, seen):
        status, again, err = replay(*kinds, *q)
        a, b = bare(between(events)), bare(between(again))
        ok((status, err) == (0, b'') and a == b and a, 'replay says what was seen live: %s' % ' '.join(q),
           len(a), len(b), [x for x in a if x not in b][:2], [x for x in b if x not in a][:2])
    eq(replay(), replay(), 'twice the same')


def conditions():
    asked = ('--kind', 'open', '--where', 'fd.name contains /yes-')
    for env in ({}, {'PORTHOLE_PUSHDOWN': '0'}):
        r = Watch('-w', CAP, *asked, command=('record',), env=env)
        work()
        status, out, err = r.stop(settle=0.3)
        events = replay()[1]
        got = [e for e in events if e['evt.kind'] == 'open']
        ok(len(got) == 21 and all('/yes-' in e['fd.name'] for e in got),
           'only what matches is kept%s' % (', without push-down' if env else ''), len(got))
        ok(all(e.get('proc.name') and e.get('proc.cmdline') for e in got), 'and is named')
        ok({e['evt.kind'] for e in events} <= {'open', 'fork', 'exec', 'exit', 'cgroup'},
           'beside it process life alone')


def ends():
    for what, sig in (('SIGINT', signal.SIGINT), ('SIGTERM', signal.SIGTERM)):
        r = Watch('-w', CAP, '--kind', 'open', command=('record',))
        t = time.monotonic()
        status, out, err = r.stop(sig=sig)
        ok(status == 0 and time.monotonic() - t < 1.5 and replay()[0] == 0, what + ': a whole file', status,
           err)
    status, out, err = run('record', '-w', CAP, '--kind', 'open', '--for', '0.3s')
    eq((status, replay()[0]), (0, 0), '--for')
    r = Watch('-w', CAP, '--kind', 'open', '--where', 'fd.name contains /yes-', '-n', '5',
              command=('record',))
    opens('yes')
    status, out, err = r.stop(sig=None)
    n = len([e for e in replay('--kind', 'open')[1]])
    ok(status == 0 and 5 <= n <= 20, '--count', status, n)
    r = Watch('-w', CAP, '--kind', 'open', command=('record',))
    opens('yes')
    time.sleep(2.2)     # what is older than a second is in the file
    status, out, err = r.stop(sig=signal.SIGKILL)
    status, events, err = replay('--where', 'fd.name contains /yes-')
    ok(status == 1 and len(events) == 20 and b'read up to byte' in err, 'SIGKILL: read up to there, said',
       status, len(events), err)


def streams():
    p = start([PORTHOLE, 'record', '-w', '-', '--kind', 'open', '--for', '1.5s'], stdout=subprocess.PIPE,
              stderr=subprocess.DEVNULL)
    q = start([PORTHOLE, 'events', '--replay', '-', '-o', 'json', '--where', 'fd.name contains /yes-'],
              stdin=p.stdout, stdout=subprocess.PIPE)
    p.stdout.close()
    end = time.monotonic() + 1.6
    while time.monotonic() < end:
        child(lambda: opens('yes', 2))
        time.sleep(0.1)
    out = q.communicate(timeout=20)[0]
    ok(p.wait() == 0 and q.returncode == 0 and len(objects(out)) > 4, 'from one porthole to another',
       p.returncode, q.returncode, len(objects(out)))
    p = start([PORTHOLE, 'record', '-w', '-', '--kind', 'open,exec', '--for', '15s'],
              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    p.stdout.read(100)
    p.stdout.close()
    status = None
    end = time.monotonic() + 12
    while status is None and time.monotonic() < end:
        spawn('/bin/true')
        time.sleep(0.05)
        status = p.poll()
    ok(status == 1 and b'roken pipe' in p.stderr.read(), 'a closed pipe ends it, with 1', status)


def errors():
    cases = [((), 2, b'-w FILE'), (('-w', DIR + '/no/such/x.cap'), 1, b'No such file'),
             (('-w', DIR), 1, DIR.encode()), (('-w', CAP, '--where', 'proc.nam=x'), 2, b'proc.name'),
             (('-w', CAP, '--kind', 'opn'), 2, b'opn'), (('-w', CAP, '--tree'), 2, b'--pid'),
             (('-w', CAP, 'x'), 2, b'"x"')]
    for args, want, said in cases:
        status, out, err = run('record', '--for', '1s', *args)
        ok(status == want and out == b'' and said in err, 'record %s' % ' '.join(args), status, err)
    if os.path.exists('/dev/full'):
        status, out, err = run('record', '-w', '/dev/full', '--kind', 'open', '--for', '3s')
        ok(status == 1 and b'No space left' in err, 'a full device', status, err)


for test in (same_answers, conditions, ends, streams, errors):
    if len(sys.argv) < 2 or test.__name__ in sys.argv[1:]:
        test()
done()
