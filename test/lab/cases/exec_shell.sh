#
# cause: exec-storm
# cpu: 1.5
# run: /bin/sh
#
# A script that starts a program for every line.
while :; do
	for i in 1 2 3 4 5; do
		name=$(basename /data/incoming/file.txt)
		size=$(expr "$i" + 1)
	done
	sleep 0.0$(($2 % 4 + 1))
done
