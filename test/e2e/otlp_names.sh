#!/bin/bash
# serial
# timeout 120
# What spans and metrics say of each protocol, by OpenTelemetry's conventions: conversations of real servers played over
# loopback by a process of a pod, the agent's messages decoded by the public definitions.
. "$(dirname "$0")/lib/tap.bash"
command -v tshark >/dev/null || skip_all "needs tshark (package tshark)"
needs_module opentelemetry.proto.collector.trace.v1.trace_service_pb2 python3-opentelemetry-proto
program otlp_names
