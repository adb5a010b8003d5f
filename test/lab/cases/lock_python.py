#
# cause: lock-contention
# cpu: 2
# memory: 512
# needs: /usr/bin/python3
# run: /usr/bin/python3
#
# Threads of a Python program that hold one lock while they wait for something else.
import sys
import threading
import time

lock = threading.Lock()
seed = int(sys.argv[2])


def update(held):
    while True:
        with lock:
            time.sleep(held)
        sum(range(2000))


for _ in range(3 + seed % 5):
    threading.Thread(target=update, args=(0.002 + seed % 7 / 1000,)).start()
