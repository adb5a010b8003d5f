#!/bin/bash
# benign.sh: what ordinary containers do all day, as many actions as attack.sh has, none of which may
# raise anything: not by the official rules, not by our own. Run like attack.sh.
[ -e /opt/app/report.sh ] || exit 1
. /attack/lib.sh

files() {
	action list && ls -la / /data /usr/bin
	action print-files && cat /data/in/1.txt /etc/hostname /etc/os-release
	action read-hosts && cat /etc/hosts /etc/resolv.conf /etc/passwd /etc/group
	action make-folders && mkdir -p /tmp/work/a/b/c
	action copy-files && cp -r /data/in /tmp/work/a
	action move-files && mv /tmp/work/a/in/1.txt /tmp/work/a/b/one.txt
	action rename-folder && mv /tmp/work/a/in /data/moved
	action modes && chmod 644 /data/moved/*.txt && chmod -R u+rwX,go-w /data/moved
	action executable-bit && chmod 755 /data/moved/2.txt
	action owner && chown -R 1000:1000 /data/moved
	action links && ln -s /data/in/2.txt /tmp/work/link && ln /data/in/3.txt /tmp/work/hard
	action links-relative && (cd /srv/site/a/b/c && ln -s ../../../index.html index && cat index)
	action follow-up-folders && (cd /srv/site/a/b && cat ../../index.html)
	action archive tar && tar -czf /data/all.tar.gz -C /data in
	action unpack tar && mkdir /data/out && tar -xzf /data/all.tar.gz -C /data/out
	action compress gzip && gzip -c /data/in/4.txt | gzip -d
	action write-and-append && { echo first >/data/note; echo second >>/data/note; }
	action edit-in-place && sed -i 's/line/row/' /data/in/5.txt
	action atomic-save && { echo new >/data/note.tmp; sync /data/note.tmp; mv /data/note.tmp /data/note; }
	action block-copy && dd if=/dev/zero of=/data/zeros bs=4k count=16
	action shrink && truncate -s 100 /data/zeros
	action delete && rm -rf /data/out /data/moved /data/zeros
	action pipe-file && { mkfifo /tmp/work/p; cat /tmp/work/p & echo x >/tmp/work/p; wait $!; }
	action temporary-file && { f=$(mktemp) && echo x >"$f" && rm "$f"; }
	action shared-memory-file && { echo x >/dev/shm/cache; cat /dev/shm/cache; rm /dev/shm/cache; }
	action own-log && { echo started >>/data/logs/app.txt; : >/data/logs/app.txt; }
	action append-system-log && echo 'started' >>/var/log/syslog
	action hidden-file && { echo x >/data/.settings; rm /data/.settings; }
	action devices && { head -c 16 /dev/urandom; echo x; } >/dev/null
}

text() {
	action search grep && grep -rn line /data/in
	action search-names find && find /data /srv -name '*.txt' -size -10k
	action find-and-run find && find /data/in -name '[67].txt' -exec cat {} +
	action count && cat /data/in/*.txt | sort | uniq -c | sort -rn | head -3
	action columns awk && awk '{ n += $2 } END { print n }' /data/in/*.txt
	action compare diff && { diff -u /data/in/6.txt /data/in/7.txt || cmp /data/in/8.txt /data/in/8.txt; }
	action checksum && sha256sum /data/in/*.txt >/data/sums && sha256sum -c /data/sums
	action encode && echo hello | base64 | base64 -d
	action cut-and-paste && cut -d: -f1 /etc/passwd | paste -sd,
}

programs() {
	action image-script && /opt/app/report.sh
	action own-script && { printf '#!/bin/sh\ndate\n' >/data/job.sh; chmod +x /data/job.sh; /data/job.sh; }
	action shell-script && sh /data/job.sh
	action bash-loop && for i in 1 2 3 4 5 6 7 8; do true; /bin/true; done
	action cron-like && for i in 1 2 3; do /opt/app/report.sh; sleep 0.05; done
	action background && { sleep 0.1 & kill $!; wait; }
	action time-limit && timeout 2 sleep 0.05
	action environment && env A=1 B=2 printenv A
	action identity && { id; whoami; groups; }
	action system && { uname -a; date; nproc; df -h; hostname; }
	action processes pgrep && pgrep -l bash
	action own-proc && cat /proc/self/status /proc/meminfo /proc/loadavg /proc/self/cgroup
	action parallel xargs && ls /data/in | xargs -P 2 -n 1 echo
	action python python3 && python3 -S -c 'print(sum(i * i for i in range(1000)))'
	action python-files python3 && python3 -c '
import json, os, tempfile
c = json.load(open("/data/in/config.json"))
c["replicas"] += 1
with tempfile.NamedTemporaryFile("w", dir="/data", delete=False) as f:
    json.dump(c, f)
os.replace(f.name, "/data/in/config.json")'
	action python-programs python3 && python3 -c '
import subprocess, threading
t = threading.Thread(target=lambda: subprocess.run(["date"]))
t.start()
subprocess.run("ls /data | wc -l", shell=True)
t.join()'
	action perl perl && perl -e 'print join(",", map { $_ * 2 } 1 .. 10)'
	action perl-pipe perl && perl -e 'open(my $p, "-|", "date") or die; print <$p>'
	action unprivileged setpriv && setpriv --reuid=1000 --regid=1000 --clear-groups cat /home/app/.profile
	action git git && (
		mkdir /data/repo && cd /data/repo && git init -q . && cp /data/in/*.txt . && git add . &&
			git -c user.name=a -c user.email=a@b commit -qm one && git log --stat && git status
	)
}

network() {
	python3 /opt/app/app.py 8000 8 &
	for i in 1 2 3 4 5 6 7 8 9 10; do rest 0.2; [ -s /data/logs/started ] && break; done
	action fetch curl && curl -s http://127.0.0.1:8000/index.html
	action fetch-many curl && for i in 1 2 3 4; do curl -s "http://localhost:8000/?n=$i"; done
	action fetch-python python3 && python3 -c '
import urllib.request
print(urllib.request.urlopen("http://127.0.0.1:8000/index.html").read())'
	action datagrams python3 && python3 -c '
import socket
a, b = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
a.bind(("127.0.0.1", 0))
b.sendto(b"x", a.getsockname())
a.recv(10)'
	action local-socket python3 && python3 -c '
import os, socket
s = socket.socket(socket.AF_UNIX)
s.bind("/tmp/work/socket")
s.listen()
c = socket.socket(socket.AF_UNIX)
c.connect("/tmp/work/socket")
os.unlink("/tmp/work/socket")'
	action resolve getent && getent hosts localhost
	action cluster-service python3 && python3 -c '
import socket
s = socket.create_connection(("10.96.172.185", 80), 2)
s.close()'
	action stop-server && { kill %1; wait; }
}

files
text
programs
network
end
