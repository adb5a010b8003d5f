#!/bin/sh
# serial
# timeout 240
# The flame graph page in headless Chromium: sums, mouse, keyboard, hostile names, no network, speed.
# playwright-core drives it: from npm, one pinned version, kept under build/.
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
tools/page src/ui/flame/flame.html >"$dir/template"
# The same through the writer in C, when its test is built.
[ ! -x "$B/test/out/html/html_test" ] || "$B/test/out/html/html_test" "$dir" || echo "# html_test failed"
NODE_PATH="$B/browser/node_modules" node test/ui/flame.js "$chromium" "$dir"
