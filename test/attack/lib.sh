# Sourced by attack.sh and benign.sh, inside the container. What an action is:
#
#     action NAME [TOOL]... [/FILE]... && {	# left out where a tool or a file is not there
#             want PROCESS RULE [TEXT]	# the official rules must raise RULE, PROCESS being proc.name;
#             ours PROCESS RULE [TEXT]	# our own rules likewise. TEXT is part of proc.cmdline
#             commands
#     }
#
# Actions are numbered by the order of execution. The driver (test/e2e/lib/detect.py) reads lines from
# descriptor 3, tab between words: action TIME NAME STATUS | skip NAME TOOL | want ... | ours ... |
# end TIME STATUS; the status is that of the action before.
# An action's alerts are those with a time between its line and the next one's. Actions print nothing,
# their standard input is empty. 9 is a pipe that never has anything to read: a clock without a program.
exec 3>&1 9<&0 </dev/null >/dev/null 2>&1
cd /data || exit 1
export LC_ALL=C

rest() { read -rt "${1:-0.03}" -u 9; }

action() {
	local was=$? name=$1 tool
	shift
	for tool; do
		case $tool in
		/*) [ -e "$tool" ] && continue ;;
		*) type -P "$tool" >/dev/null && continue ;;
		esac
		printf 'skip\t%s\t%s\n' "$name" "$tool" >&3
		return 1
	done
	rest
	printf 'action\t%s\t%s\t%s\n' "$EPOCHREALTIME" "$name" "$was" >&3
}

want() { printf 'want\t%s\t%s\t%s\n' "$1" "$2" "${3:-}" >&3; }
ours() { printf 'ours\t%s\t%s\t%s\n' "$1" "$2" "${3:-}" >&3; }

end() {
	local was=$?
	rest 0.1
	printf 'end\t%s\t%s\n' "$EPOCHREALTIME" "$was" >&3
}
