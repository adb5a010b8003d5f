#!/bin/bash
# serial
# timeout 120
# Each query of deploy/grafana asked of a real Prometheus, which scrapes an agent under traffic of ten protocols; and the
# agent's page by Prometheus' own parser for Python and by promtool.
. "$(dirname "$0")/lib/tap.bash"
for tool in tshark prometheus promtool; do
	command -v $tool >/dev/null || skip_all "needs $tool (tools/deps test)"
done
needs_module prometheus_client.parser python3-prometheus-client
program dashboards_live
