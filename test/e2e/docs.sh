#!/bin/sh
# portable
# What is generated says what the program says: the reference of fields, manual pages, completion,
# --help of every command, and how wrong use is answered.
set -u
PORTHOLE=${PORTHOLE:-build/porthole}
top=$(dirname "$0")/../..
n=0
commands=$("$PORTHOLE" --help | sed -n 's/^  \([a-z]*\)  .*/\1/p')

check() { # check NAME COMMAND...
	n=$((n + 1))
	what=$1
	shift
	if "$@"; then echo "ok $n - $what"; else echo "not ok $n - $what"; fi
}

fields_fresh() { "$PORTHOLE" fields --markdown | cmp - "$top/doc/FIELDS.md"; }
manual_of() { "$PORTHOLE" manual "$1" | grep -q '^\.SH OPTIONS'; }
help_of() { "$PORTHOLE" "$1" --help | grep -q "^Usage: porthole $1"; }
refuses() { "$PORTHOLE" "$@" >/dev/null 2>"/tmp/porthole-docs-$$"; [ $? = 2 ]; }
says() { grep -q "$1" "/tmp/porthole-docs-$$"; }

check "there are commands" [ "$(echo "$commands" | wc -w)" -ge 9 ]
check "doc/FIELDS.md is what porthole fields --markdown prints" fields_fresh
for c in $commands; do
	check "$c: --help" help_of "$c"
	check "$c: manual page" manual_of "$c"
	check "$c: an unknown option is wrong use" refuses "$c" --no-such-option
done
check "completion for bash is a script" sh -c "'$PORTHOLE' completion bash | bash -n"
check "completion for bash knows every command" sh -c \
	"'$PORTHOLE' completion bash | grep -q 'events.*overhead\|overhead.*events'"
check "completion for zsh names the options" sh -c "'$PORTHOLE' completion zsh | grep -q -- '--where='"
check "no command is wrong use" refuses
check "an unknown command is wrong use" refuses no-such-command
check "it says what to do" says 'porthole --help'
check "a wrong expression is wrong use" refuses events --where 'proc.nam=x'
check "it names the field meant" says 'proc.name'
check "it has a caret" says '\^'
rm -f "/tmp/porthole-docs-$$"
echo "1..$n"
