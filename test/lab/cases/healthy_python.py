#
# cause: healthy
# cpu: 1
# memory: 512
# needs: /usr/bin/python3
# run: /usr/bin/python3
#
# A little scheduler in Python: it wakes up some times a second, reads a file, writes a line.
import sys
import time

seed = int(sys.argv[2])
with open('/data/state', 'w') as f:
    f.write('x' * 2000)
while True:
    with open('/data/state') as f:
        n = sum(map(ord, f.read()))
    print('state', n, flush=True)
    time.sleep(0.05 + seed % 100 / 1000)
