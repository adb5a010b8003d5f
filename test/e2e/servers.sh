#!/bin/bash
# serial
# timeout 400
# Real servers in containers (test/servers): RabbitMQ, DNS, NATS, nginx, gRPC, Redis, PostgreSQL, MariaDB. What porthole
# requests says of each is compared with the server's own log and with tshark's reading of the packets between the pods.
. "$(dirname "$0")/lib/tap.bash"
command -v python3 >/dev/null || skip_all "needs python3"
[ -x "$PORTHOLE" ] || { echo "not ok 1 - $PORTHOLE is not built"; exit 1; }
exec python3 "$here/../servers/run"
