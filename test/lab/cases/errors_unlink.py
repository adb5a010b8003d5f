#
# cause: syscall-errors
# cpu: 1
# memory: 512
# needs: /usr/bin/python3
# run: /usr/bin/python3
#
# A cleaner in Python that removes what is not there.
import os
import sys
import time

pause = 0.001 + int(sys.argv[2]) % 5 / 1000
while True:
    for i in range(4):
        try:
            os.unlink('/data/spool/job-%d.lock' % i)
        except OSError:
            pass
    time.sleep(pause)
