#!/bin/bash
# portable
# Each query of deploy/grafana names only metrics that the agent's page has, by the tables that make the page.
. "$(dirname "$0")/lib/tap.bash"
program dashboards
