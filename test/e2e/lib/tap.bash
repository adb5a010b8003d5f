# Sourced by the end-to-end scripts: where porthole is, what a script needs or is skipped without, and the Python program
# that a script is, for most of them.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export PORTHOLE=${PORTHOLE:-$here/../../build/porthole} PYTHONDONTWRITEBYTECODE=1 TZ=UTC

skip_all() {
	echo "1..0 # SKIP $*"
	exit 0
}

# As root, on a kernel that it can work on.
needs_porthole() {
	[ "$(id -u)" = 0 ] || skip_all "needs root"
	"$PORTHOLE" doctor >/dev/null 2>&1 || skip_all "porthole cannot run here (porthole doctor tells why)"
}

# needs_module MODULE PACKAGE: a python3 that has it, for program.
needs_module() {
	for python in /usr/bin/python3 python3; do
		"$python" -c "import $1" 2>/dev/null && return
	done
	skip_all "needs python3's $1 (package $2)"
}

# program NAME: becomes lib/NAME.py, which cleans up after itself however it ends.
program() {
	command -v python3 >/dev/null || skip_all "needs python3"
	[ -x "$PORTHOLE" ] || { echo "not ok 1 - $PORTHOLE is not built"; exit 1; }
	exec "${python:-python3}" "$here/lib/$1.py" "${@:2}"
}
