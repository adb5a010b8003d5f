# Sourced by the end-to-end scripts that are a Python program: finds it and what it needs.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export PORTHOLE=${PORTHOLE:-$here/../../build/porthole} PYTHONDONTWRITEBYTECODE=1 TZ=UTC

skip_all() {
	echo "1..0 # SKIP $*"
	exit 0
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
