"""What the end-to-end tests share: TAP, porthole in the background, children that do one thing.

Every process started here is ended by its number at exit, every directory removed.
"""
import atexit
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

PORTHOLE = os.environ.get('PORTHOLE') or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), '../../../build/porthole')
DIR = tempfile.mkdtemp(prefix='porthole-e2e-')
TICKS = os.sysconf('SC_CLK_TCK')

_count = _failed = 0
_running = []
_at_end = []
_owner = os.getpid()


def ok(cond, name, *detail):
    """One TAP line; @detail is shown when it fails."""
    global _count, _failed
    _count += 1
    print('%sok %d - %s' % ('' if cond else 'not ', _count, name))
    if not cond:
        _failed += 1
        for d in detail:
            for line in str(d).split('\n')[:12]:
                print('#   ' + line[:400])
    sys.stdout.flush()
    return cond


def eq(got, want, name):
    return ok(got == want, name, 'got:  %r' % (got,), 'want: %r' % (want,))


def skip(name, why):
    global _count
    _count += 1
    print('ok %d - %s # SKIP %s' % (_count, name, why))


def done():
    print('1..%d' % _count)
    sys.stdout.flush()
    sys.exit(1 if _failed else 0)


def until(f, seconds=10):
    """-> what @f gives as soon as that is something, else what it gives in the end."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        got = f()
        if got:
            return got
        time.sleep(0.05)
    return f()


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def listens(port):
    try:
        socket.create_connection(('127.0.0.1', port), 1).close()
        return True
    except OSError:
        return False


def at_end(f, *args):
    """Called at exit, last first."""
    _at_end.append((f, args))


@atexit.register
def _clean():
    if os.getpid() != _owner:
        return
    for p in _running:
        if p.poll() is None:
            p.kill()
            p.wait()
    for f, args in reversed(_at_end):
        try:
            f(*args)
        except Exception as e:
            print('# cleaning up: %s' % e)
    os.chdir('/')
    shutil.rmtree(DIR, ignore_errors=True)


for _s in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(_s, lambda n, f: sys.exit(1))


def start(argv, **kw):
    p = subprocess.Popen(argv, **kw)
    _running.append(p)
    return p


def run(*args, env=None, stdin=None, timeout=60):
    """porthole ARGS -> (status, output, standard error), the last two as bytes."""
    p = subprocess.run([PORTHOLE, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       input=stdin, env=dict(os.environ, **(env or {})), timeout=timeout)
    return p.returncode, p.stdout, p.stderr


def objects(data):
    """JSON lines to dicts; whatever is not strict UTF-8 or JSON raises."""
    return [json.loads(line) for line in data.decode('utf-8').split('\n') if line]


def child(f):
    """Runs f in a child process and waits. -> its pid"""
    pid = os.fork()
    if pid == 0:
        try:
            f()
            os._exit(0)
        except BaseException as e:
            sys.stderr.write('# child: %s\n' % e)
            os._exit(99)
    status = os.waitpid(pid, 0)[1]
    if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 99:
        raise RuntimeError('the workload failed')
    return pid


def spawn(*argv, **kw):
    """Runs a program to its end. -> its pid"""
    p = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **kw)
    p.wait()
    return p.pid


class Watch:
    """A porthole command that goes on until stopped; `events -o json` unless told otherwise."""

    def __init__(self, *args, command=('events', '-o', 'json'), env=None, wait=True):
        if command[0] in ('events', 'requests', 'map'):
            args += ('--alone',)    # not by way of an agent that may run here
        self.out = tempfile.TemporaryFile(dir=DIR)
        self.err = tempfile.TemporaryFile(dir=DIR)
        self.p = start([PORTHOLE, *command, *args], stdout=self.out, stderr=self.err,
                       env=dict(os.environ, **(env or {})))
        if wait:
            self.ready()

    def _look(self):
        """(waits for records, CPU time): it sits in its loop when it sleeps and stops starting."""
        try:
            with open('/proc/%d/stat' % self.p.pid) as f:
                stat = f.read().rsplit(')', 1)[1].split()
            links = [os.readlink(e.path) for e in os.scandir('/proc/%d/fd' % self.p.pid)]
        except OSError:
            return False, 0
        rings = sum(x == 'anon_inode:[eventpoll]' for x in links)
        return stat[0] == 'S' and rings >= 2 and 'anon_inode:[signalfd]' in links, \
            int(stat[11]) + int(stat[12])

    def ready(self, seconds=20):
        """Waits until it is attached: it has its descriptors, and its CPU time stands still."""
        end = time.monotonic() + seconds
        still, last = 0, -1
        while time.monotonic() < end and self.p.poll() is None:
            waits, cpu = self._look()
            still = still + 1 if waits and cpu == last else 0
            last = cpu
            if still >= 5:
                return
            time.sleep(0.04)

    def stop(self, sig=signal.SIGTERM, settle=0.15, seconds=20):
        """Ends it. -> (status, output, standard error)"""
        if sig and self.p.poll() is None:
            time.sleep(settle)
            self.p.send_signal(sig)
        try:
            self.p.wait(seconds)
        except subprocess.TimeoutExpired:
            self.p.kill()
            self.p.wait()
        self.out.seek(0)
        self.err.seek(0)
        return self.p.returncode, self.out.read(), self.err.read()

    def events(self, **kw):
        """Ends it; its events. What it said on standard error is in self.said."""
        status, out, err = self.stop(**kw)
        self.status, self.said = status, err.decode('utf-8', 'replace')
        return objects(out)


def of(events, **want):
    """Those that have all these values; proc_pid=1 asks for proc.pid."""
    keys = {k.replace('_', '.', 1) if '.' not in k else k: v for k, v in want.items()}
    return [e for e in events if all(e.get(k) == v for k, v in keys.items())]


def capable():
    """Why nothing live can be tested here, or None."""
    if os.geteuid() != 0:
        return 'needs root'
    if run('doctor')[0] != 0:
        return 'porthole cannot run here (porthole doctor tells why)'
    return None
