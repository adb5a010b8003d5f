"""What the makers of captures share: servers, clients and tcpdump in this namespace."""
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

LIMIT = 60000       # bytes of a capture
_servers = []
_dir = None


class Missing(Exception):
    """A program or module that is not installed."""


def begin():
    subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)


def folder(owner=None):
    """The temporary folder of this capture."""
    if owner:
        shutil.chown(_dir, owner)
    return _dir


def write(name, text):
    path = os.path.join(_dir, name)
    with open(path, 'w') as f:
        f.write(text)
    return path


def need(*programs):
    for p in programs:
        if not shutil.which(p):
            raise Missing(p)


def wait_port(port, seconds=60, host='127.0.0.1'):
    end = time.time() + seconds
    while True:
        try:
            socket.create_connection((host, port), 1).close()
            return
        except OSError:
            if time.time() > end:
                raise
            time.sleep(0.1)


def serve(argv, port=None, user=None, **more):
    """Starts a server that stays in the foreground; waits for its TCP port."""
    log = open(os.path.join(_dir, os.path.basename(argv[0]) + '.log'), 'ab')
    p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=_dir, user=user,
                         **more)
    _servers.append((p, log.name))
    if port:
        try:
            wait_port(port)
        except OSError:
            sys.stderr.write(open(log.name, errors='replace').read()[-2000:])
            raise
    return p


def end(p):
    """Ends one process: politely, then not."""
    if p.poll() is None:
        p.terminate()
        try:
            p.wait(10)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()


def client(argv, input=None, ok=(0,), timeout=60, **more):
    """Runs a client to its end; its output. An exit status not in `ok` (None: any) is an error."""
    if isinstance(input, str):
        input = input.encode()
    p = subprocess.run(argv, input=input, capture_output=True, timeout=timeout, cwd=_dir, **more)
    if ok is not None and p.returncode not in ok:
        raise RuntimeError('%s: %d: %s%s' % (argv, p.returncode, p.stdout.decode(errors='replace'),
                                             p.stderr.decode(errors='replace')))
    return p.stdout.decode(errors='replace')


@contextlib.contextmanager
def capture(*ports, what='tcp'):
    """tcpdump on the ports, until the end of the with block."""
    path = os.path.join(_dir, 'out.pcap')
    where = ' and '.join(filter(None, [what, '(%s)' % ' or '.join('port %d' % p for p in ports)]))
    if not ports:
        where = what
    p = subprocess.Popen(['tcpdump', '-i', 'lo', '-s', '0', '-B', '65536', '-U', '--immediate-mode', '-Z', 'root', '-w', path,
                          where], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while b'listening on' not in p.stderr.readline():
        if p.poll() is not None:
            raise RuntimeError('tcpdump ended: ' + where)
    try:
        yield
        time.sleep(0.5)
    finally:
        p.send_signal(signal.SIGINT)
        said = p.communicate()[1]
    if b'\n0 packets dropped by kernel' not in said:
        raise RuntimeError('tcpdump lost some: %s' % said.decode())


class Raw:
    """A TCP connection by hand."""

    def __init__(self, port, host='127.0.0.1'):
        self.s = socket.create_connection((host, port), 10)
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.s.settimeout(10)

    def say(self, data, wait=0.1):
        """Sends, and reads what comes within `wait` seconds."""
        self.s.sendall(data if isinstance(data, bytes) else data.encode())
        return self.hear(wait)

    def hear(self, wait=0.1):
        got = b''
        self.s.settimeout(wait)
        try:
            while True:
                part = self.s.recv(65536)
                if not part:
                    break
                got += part
        except TimeoutError:
            pass
        self.s.settimeout(10)
        return got

    def close(self):
        self.s.close()


def _clean():
    for p, _ in reversed(_servers):
        end(p)
    _servers.clear()
    shutil.rmtree(_dir, ignore_errors=True)


def run(name, make, to):
    """One capture; False when it could not be made."""
    global _dir
    _dir = tempfile.mkdtemp(prefix='porthole-captures-')
    os.chmod(_dir, 0o755)
    try:
        make()
        size = os.path.getsize(_dir + '/out.pcap')
        os.makedirs(os.path.dirname(to), exist_ok=True)
        shutil.copyfile(_dir + '/out.pcap', to)
        print('%-28s %6d bytes%s' % (name, size, '' if size <= LIMIT else ': TOO LONG'))
        return size <= LIMIT
    except (Missing, ModuleNotFoundError) as e:
        print('%-28s not made: %s is not installed' % (name, e))
        return False
    except Exception as e:
        print('%-28s failed: %s: %s' % (name, type(e).__name__, str(e)[-600:]))
        return False
    finally:
        _clean()
