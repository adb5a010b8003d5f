#!/bin/sh
# serial
# timeout 240
# The map's page in headless Chromium: figures by click, search, filters, moving, keys, hostile names, no network.
# playwright-core drives it, as in flame.sh.
set -u
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build}
driver=playwright-core@1.56.1

skip_all() {
	echo "1..0 # SKIP $*"
	exit 0
}

chromium=$(command -v chromium) || skip_all "no chromium (tools/deps test installs it)"
command -v node >/dev/null && command -v npm >/dev/null || skip_all "no node with npm (tools/deps test installs them)"
if [ ! -e "$B/browser/$driver" ]; then
	mkdir -p "$B/browser"
	npm install --prefix "$B/browser" --no-save --no-audit --no-fund --ignore-scripts "$driver" \
		>"$B/browser/npm.log" 2>&1 || skip_all "npm cannot install $driver: see $B/browser/npm.log"
	touch "$B/browser/$driver"
fi

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
tools/page src/ui/map/map.html >"$dir/template"
"${PORTHOLE:-$B/porthole}" map --replay test/captures/requests-redis.cap -o html >"$dir/c-replay.html" ||
	echo "# no page of the replay"
NODE_PATH="$B/browser/node_modules" node test/ui/map.js "$chromium" "$dir" ${1:+"$1"}
