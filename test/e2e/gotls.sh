#!/bin/bash
# serial
# timeout 180
# Requests inside Go's own TLS, live: server and clients in Go, HTTP/1.1 and HTTP/2, stripped and not.
. "$(dirname "$0")/lib/tap.bash"
command -v go >/dev/null || skip_all "needs Go"
command -v openssl >/dev/null || skip_all "needs openssl"
command -v curl >/dev/null || skip_all "needs curl"
program gotls
