#
# cause: cpu-throttled exec-storm
# cpu: 0.15..0.3
# run: /bin/sh
#
# A script that starts programs without end, with a small part of a CPU.
while :; do
	name=$(basename /data/incoming/file.txt)
	date >/dev/null
done
