"""A program whose Python frames are known: python_tool.py WHAT SECONDS (python.sh looks at it)."""
import sys
import threading
import time


def burn():
    n = 0
    for i in range(2000):
        n += i ^ 3                          # line: burn
    return n


def recurse(n):
    if n:
        return recurse(n - 1)               # line: recurse
    return burn()


def values():
    for _ in range(50):
        yield burn()                        # line: values


def generators():
    total = 0
    for value in values():                  # line: generators
        total += value
    return total


class Key:
    def größe(self, x):
        return burn() + x                   # line: Key.größe


def callbacks():
    return sorted(range(50), key=Key().größe)       # line: callbacks


def threads():
    def work():
        while time.time() < end:
            burn()
    started = [threading.Thread(target=work) for _ in range(8)]
    for t in started:
        t.start()
    for t in started:
        t.join()


lock = threading.Lock()


def holds_lock():
    while time.time() < end:
        with lock:
            time.sleep(0.03)                # line: holds_lock
        time.sleep(0.001)


def wants_lock():
    while time.time() < end:
        with lock:                          # line: wants_lock
            pass


def waits():
    started = [threading.Thread(target=f) for f in (holds_lock, wants_lock, wants_lock)]
    for t in started:
        t.start()
    for t in started:
        t.join()


def short():
    burn()
    sys.exit(0)


what = {'recursion': lambda: recurse(40), 'deep': lambda: recurse(400), 'generators': generators,
        'callbacks': callbacks, 'threads': threads, 'waits': waits, 'short': short}[sys.argv[1]]
sys.setrecursionlimit(2000)
end = time.time() + float(sys.argv[2])


def main():
    while time.time() < end:
        what()                              # line: main


main()
