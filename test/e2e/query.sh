#!/bin/bash
# serial
# timeout 120
# The node's recent history, live: what processes and connections did is found with porthole query while
# the agent runs and after kill -9, though privileges are dropped; alerts and profiles are in it; the
# next agent goes on; without a folder the agent goes on; statements are confined.
. "$(dirname "$0")/lib/tap.bash"
needs_porthole

dir=$(mktemp -d)
agent=
cleanup() {
	[ -z "$agent" ] || { kill -9 "$agent" 2>/dev/null && wait "$agent" 2>/dev/null; }
	rm -rf "$dir"
}
trap cleanup EXIT

n=0
check() {
	local what=$1
	shift
	n=$((n + 1))
	if "$@"; then echo "ok $n - $what"; else echo "not ok $n - $what"; fi
}

cat >"$dir/rules.yaml" <<'END'
- rule: Marked program
  desc: the test's own
  condition: evt.type=execve and proc.args contains porthole-query-alert
  output: seen (proc=%proc.name pid=%proc.pid)
  priority: WARNING
END

agent_start() { # DIRECTORY
	cat >"$dir/conf.yaml" <<-END
		metrics: {enabled: false}
		control: {socket: "$dir/s/sock"}
		lock: {file: "$dir/s/pid"}
		kube: {enabled: false}
		profile: {directory: "$dir/profiles"}
		store: {directory: "$1", max_bytes: 16MiB}
		rules: {enabled: true, files: ["$dir/rules.yaml"]}
	END
	PORTHOLE_PROFILE_PART_MS=1000 "$PORTHOLE" run -c "$dir/conf.yaml" >/dev/null 2>"$dir/err" &
	agent=$!
	for _ in $(seq 200); do
		grep -q "capabilities kept" "$dir/err" && return
		sleep 0.1
	done
	sed 's/^/# /' "$dir/err"
}

ask() { # SQL OPTION...
	"$PORTHOLE" query --directory "$dir/h/i" --profiles "$dir/profiles" -o csv "${@:2}" "$1" 2>"$dir/why" |
		tr -d '\r' | tail -n +2
}

answers() { # WANT SQL: within some seconds
	for _ in $(seq 50); do
		[ "$(ask "$2")" = "$1" ] && return
		sleep 0.1
	done
	echo "# wanted $1, got $(ask "$2" | head -3) $(head -3 "$dir/why")"
	return 1
}

traffic() { # three connections on loopback, 1,000 bytes one way and 10 back
	python3 -c '
import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen()
print(s.getsockname()[1], flush=True)
for _ in range(3):
    c = socket.create_connection(s.getsockname())
    a, _ = s.accept()
    c.sendall(b"x" * 1000)
    got = 0
    while got < 1000:
        got += len(a.recv(1000))
    a.sendall(b"y" * 10)
    c.recv(10)
    c.close()
    a.recv(1)
    a.close()
'
}

web() { # three requests over HTTP on loopback, for a file that is not there
	python3 -c '
import http.client, http.server, threading
class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *a):
        pass
s = http.server.HTTPServer(("127.0.0.1", 0), Quiet)
threading.Thread(target=s.serve_forever, daemon=True).start()
print(s.server_port, flush=True)
for i in range(3):
    c = http.client.HTTPConnection("127.0.0.1", s.server_port)
    c.request("GET", "/porthole-query-%d" % i)
    c.getresponse().read()
    c.close()
'
}

agent_start "$dir/h/i"
for _ in 1 2 3 4 5; do sh -c 'exit 7' porthole-query-mark; done
port=$(traffic)
web=$(web)
sh -c 'exit 0' porthole-query-alert

mark="proc_cmdline like '%porthole-query-mark'"
check "programs that were started" answers 5 "select count(*) from processes where evt_kind = 'exec' and $mark"
check "and that ended, with their status" \
	answers 5,7,7 "select count(*), min(exit_code), max(exit_code) from processes where evt_kind = 'exit' and $mark"
check "whose child they were" answers query.sh "select distinct proc_pname from processes where $mark"
check "connections at the client, with their bytes" answers 3,3000,30 \
	"select count(*), sum(tcp_bytes_sent), sum(tcp_bytes_received) from connections where fd_rport = $port and tcp_role = 'client'"
check "and at the server" answers 3,30,3000 \
	"select count(*), sum(tcp_bytes_sent), sum(tcp_bytes_received) from connections where fd_lport = $port and tcp_role = 'server'"
check "by whom" answers python3 "select distinct proc_name from connections where fd_rport = $port or fd_lport = $port"
if grep -q "on:.*stream (request)" "$dir/err"; then
	for side in client server; do
		check "requests, $side: method, status, path" answers 3,GET,404,404 \
			"select count(*), min(req_method), min(req_status), max(req_status) from requests where req_side = '$side' and iif('$side' = 'client', fd_rport, fd_lport) = $web and req_resource glob '/porthole-query-[012]' and req_latency > 0 and not req_ok"
	done
else
	for side in client server; do
		n=$((n + 1))
		echo "ok $n - requests, $side: method, status, path # SKIP no probe of kind request here"
	done
fi
check "alerts" answers Warning,sh "select priority, proc_name from alerts where rule = 'Marked program'"
check "with all that receivers get" answers 1 \
	"select count(*) from alerts where json->>'\$.output_fields.\"proc.name\"' = 'sh' and output like '%seen (proc=sh%'"
check "moments: nothing is an hour old" answers 0 "select count(*) from processes where time < ago('1h')"
check "--from and --to" [ "$(ask 'select count(*) from processes' --to '1h ago')" = 0 ]
check "profiles" answers 1 "select count(*) > 0 from profiles where self > 0 and proc_name is not null"
kill -9 "$agent"
wait "$agent" 2>/dev/null
agent=
check "after kill -9 it is all there" answers 5 "select count(*) from processes where evt_kind = 'exit' and $mark"
check "and nothing is damaged" [ ! -s "$dir/why" ]
cp -a "$dir/h/i" "$dir/copy"
head -c 8192 /dev/urandom >"$dir/copy/history-0000000000000000001.db"
"$PORTHOLE" query --directory "$dir/copy" "select count(*) from processes" >"$dir/out" 2>"$dir/why"
check "a damaged file is left out" [ $? = 0 ]
check "and told" grep -q "1 file(s) of the history are left out" "$dir/why"

agent_start "$dir/h/i"
check "the next agent keeps what was there" answers 5 "select count(*) from processes where evt_kind = 'exec' and $mark"
sh -c 'exit 7' porthole-query-mark
check "and goes on" answers 6 "select count(*) from processes where evt_kind = 'exec' and $mark"
kill "$agent"
wait "$agent"
agent=
check "ended, no log is left beside the files" bash -c '! ls "$1"/*-wal 2>/dev/null' - "$dir/h/i"
check "the folder is its owner's alone" [ "$(stat -c %a "$dir/h/i")" = 700 ]

for sql in "attach '/etc/passwd' as x" "pragma database_list" "create table x(a)" "select 1; select 2" "selec 1"; do
	"$PORTHOLE" query --directory "$dir/h/i" "$sql" >/dev/null 2>"$dir/why"
	check "refused: $sql" [ $? = 2 ]
done
check "with a caret" grep -q '\^' "$dir/why"
"$PORTHOLE" query --directory "$dir/h/i" --timeout 500ms \
	"with recursive a(x) as (select 1 union all select x+1 from a) select count(*) from a" >/dev/null 2>"$dir/why"
check "what does not end is given up" [ $? = 1 ]
check "and told" grep -q "took longer than 0.5 s" "$dir/why"
"$PORTHOLE" query --directory "$dir/nothing" "select 1" >/dev/null 2>"$dir/why"
check "no history is a failure with a reason" [ $? = 1 ]
check "every table has its columns" [ "$("$PORTHOLE" query --tables | grep -cE '^(requests|connections|processes|alerts|profiles): ')" = 5 ]
"$PORTHOLE" query --directory "$dir/h/i" -o json "select time, proc_name, null x from processes limit 1" >"$dir/out"
check "JSON" python3 -c 'import json, sys; o = json.load(open(sys.argv[1])); assert o["x"] is None and o["time"] > 10**18' "$dir/out"
"$PORTHOLE" query --directory "$dir/h/i" -n 2 "select time from processes" >"$dir/out" 2>"$dir/why"
check "rows are bounded, and it is said" bash -c '[ "$(wc -l <"$1")" = 3 ] && grep -q "more than 2 rows" "$2"' - "$dir/out" "$dir/why"

# Each statement of the reference runs; those on requests only where their fields are known.
awk -v to="$dir/sql" '/^```sql/ { n++; on = 1; next } /^```/ { on = 0 } on { print >(to n) }' "$here/../../doc/QUERY.md"
for i in $(seq 10); do
	"$PORTHOLE" query --directory "$dir/h/i" --profiles "$dir/profiles" "$(cat "$dir/sql$i")" >/dev/null 2>"$dir/why"
	code=$?
	if grep -q "no such column: req_" "$dir/why"; then
		n=$((n + 1))
		echo "ok $n - doc/QUERY.md, statement $i # SKIP this build has no fields of requests"
		continue
	fi
	[ $code = 0 ] || sed 's/^/# /' "$dir/why"
	check "doc/QUERY.md, statement $i" [ $code = 0 ]
done

: >"$dir/file"
agent_start "$dir/file/h"
check "without a folder the agent says so" grep -q "no history is kept" "$dir/err"
check "and goes on" kill -0 "$agent"
kill "$agent"
wait "$agent"
agent=
echo "1..$n"
