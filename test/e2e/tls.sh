#!/bin/bash
# serial
# timeout 120
# Requests inside TLS, live: nginx, curl, Python, git (GnuTLS) and Node, each at its own end.
. "$(dirname "$0")/lib/tap.bash"
command -v openssl >/dev/null || skip_all "needs openssl"
command -v nginx >/dev/null || skip_all "needs nginx"
command -v curl >/dev/null || skip_all "needs curl"
program tls
