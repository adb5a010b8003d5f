#!/bin/bash
# serial
# timeout 120
# Requests and alerts sent by OTLP/HTTP to a receiver that refuses, delays and rejects.
. "$(dirname "$0")/lib/tap.bash"
needs_module opentelemetry.proto.collector.trace.v1.trace_service_pb2 python3-opentelemetry-proto
program otlp
