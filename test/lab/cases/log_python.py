#
# cause: logging
# cpu: 2
# memory: 512
# needs: /usr/bin/python3
# run: /usr/bin/python3
#
# Python's logging at level DEBUG, in the hot path, to standard error.
import logging
import sys

logging.basicConfig(level=logging.DEBUG, format='%(asctime)s %(name)s %(message)s')
log = logging.getLogger('shop.cart')
n = int(sys.argv[2]) % 1000
while True:
    n = (n * 31 + 7) % 100003
    log.debug('item %d has price %d', n, n * 3)
