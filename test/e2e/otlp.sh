#!/bin/bash
# serial
# timeout 120
# Requests and alerts sent by OTLP/HTTP to a receiver that refuses, delays and rejects.
. "$(dirname "$0")/lib/tap.bash"
program otlp
