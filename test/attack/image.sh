#!/bin/bash
# image.sh FOLDER: makes the root file system of the attack test's containers, a small Debian, out of
# this machine's own programs and their libraries. Nothing is downloaded. Prints the folder it made or
# found: FOLDER/image-KEY, where KEY changes with what goes in.
#
# Programs that this machine lacks are left out, or are busybox's (LENT); an action that needs a
# program that is not there is skipped. Servers and the intruder are intruder.c under other names.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
export LC_ALL=C

PACKAGES="bash dash coreutils findutils grep sed mawk tar gzip diffutils util-linux mount procps
	hostname curl wget openssh-client apt dpkg debianutils passwd e2fsprogs perl-base git"
python=$(readlink -f /usr/bin/python3 || :)
EXTRA="/usr/bin/getent $python /usr/lib/git-core/git"
LENT="nc crontab telnet insmod vi"
SERVERS="nginx mysqld sshd"

key=$({
	cat "$0" "$here/intruder.c"
	stat -c %Y /var/lib/dpkg/status 2>/dev/null || :
} | sha256sum | cut -c1-12)
mkdir -p "$1"
out=$(cd "$1" && pwd)
root=$out/image-$key
if [ -d "$root" ]; then
	echo "$root"
	exit 0
fi
new=$(mktemp -d "$out/making.XXXXXX")
trap 'rm -rf "$new"' EXIT

# --- folders ---

chmod 755 "$new"
(cd "$new" && mkdir -p usr/{bin,sbin,lib,lib64,local/bin} etc/{cron.d,pam.d,sudoers.d,ssh,apt} proc sys dev \
	run tmp root home/app data srv opt/app var/{log,tmp,lib/dpkg,spool/cron/crontabs,cache/apt})
(cd "$new" && mkdir -p etc/apt/{apt.conf.d,preferences.d,sources.list.d,trusted.gpg.d} \
	var/lib/dpkg/{info,updates,triggers} var/lib/apt/lists/partial var/cache/apt/archives/partial)
for d in bin sbin lib lib64; do ln -s "usr/$d" "$new/$d"; done
ln -s ../run "$new/var/run"
chmod 1777 "$new/tmp" "$new/var/tmp"

# --- programs, with the libraries they need ---

programs() {
	local p f
	for p in $PACKAGES; do
		dpkg-query -L "$p" 2>/dev/null | grep -E '^(/usr)?/s?bin/[^/]+$' || :
	done
	for f in $EXTRA; do echo "$f"; done
}

put() { # put FILE: itself, at its place below usr/
	local to=$1
	case $to in /usr/*) ;; *) to=/usr$to ;; esac
	mkdir -p "$new$(dirname "$to")"
	cp -a "$1" "$new$to"
}

mapfile -t files < <(programs | sort -u)
for f in "${files[@]}"; do
	if [ -e "$f" ] || [ -L "$f" ]; then put "$f"; fi
done
for pair in python3:${python##*/} awk:mawk sh:dash pager:more; do
	[ -e "$new/usr/bin/${pair#*:}" ] && ln -sf "${pair#*:}" "$new/usr/bin/${pair%:*}"
done
for d in /usr/lib/${python##*/} /usr/lib/*-linux-gnu/perl-base /usr/share/dpkg; do
	[ -d "$d" ] && (cd / && tar -c --exclude=dist-packages --exclude=test --exclude=tests \
		--exclude=idlelib --exclude=ensurepip --exclude=lib2to3 --exclude='config-3*' \
		--exclude='*.opt-?.pyc' "${d#/}") | tar -x -C "$new"
done

mapfile -t libraries < <(find "$new/usr" -type f \( -perm -100 -o -name '*.so' \) -print0 |
	xargs -0 ldd 2>/dev/null | awk '$2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\// && $2 ~ /^\(/ { print $1 }' |
	sort -u)
for f in "${libraries[@]}"; do
	case $f in /usr/*) to=$f ;; *) to=/usr$f ;; esac
	mkdir -p "$new$(dirname "$to")"
	[ -e "$new$to" ] || cp -L "$f" "$new$to"
done
for n in $LENT; do
	[ -x /bin/busybox ] && [ ! -e "$new/usr/bin/$n" ] && cp -L /bin/busybox "$new/usr/bin/$n"
done

${CC:-cc} -O1 -static -Wall -Wextra -o "$new/usr/local/bin/intruder" "$here/intruder.c"
for n in $SERVERS; do cp "$new/usr/local/bin/intruder" "$new/usr/sbin/$n"; done
cp "$here/app.py" "$here/report.sh" "$new/opt/app/"
chmod 755 "$new/opt/app/"*

# --- files ---

cd "$new"
echo 12 >etc/debian_version
printf 'ID=debian\nVERSION_ID="12"\n' >etc/os-release
echo web >etc/hostname
printf '127.0.0.1 localhost\n10.96.0.1 kubernetes.default.svc.cluster.local\n' >etc/hosts
echo 'nameserver 10.96.0.10' >etc/resolv.conf
echo 'hosts: files' >etc/nsswitch.conf
cat >etc/passwd <<-'E'
	root:x:0:0:root:/root:/bin/bash
	daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
	bin:x:2:2:bin:/bin:/usr/sbin/nologin
	www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
	_apt:x:42:65534::/nonexistent:/usr/sbin/nologin
	nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
	app:x:1000:1000:app:/home/app:/bin/bash
E
printf 'root:x:0:\ndaemon:x:1:\nbin:x:2:\nshadow:x:42:\nwww-data:x:33:\napp:x:1000:\nnogroup:x:65534:\n' >etc/group
printf 'root:*:19000:0:99999:7:::\napp:!:19000:0:99999:7:::\n' >etc/shadow
chmod 640 etc/shadow
echo 'root ALL=(ALL:ALL) ALL' >etc/sudoers
echo '%app ALL=(ALL) NOPASSWD: /bin/true' >etc/sudoers.d/app
echo 'auth required pam_unix.so' >etc/pam.d/common-auth
echo 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin' >etc/profile
echo '# none' >etc/crontab
echo 'USERGROUPS_ENAB yes' >etc/login.defs
: >var/lib/dpkg/status
: >var/lib/dpkg/available
for h in root home/app; do
	mkdir -p $h/.ssh $h/.aws
	echo 'alias ll="ls -l"' >$h/.bashrc
	echo 'umask 022' >$h/.profile
	printf 'ls\nmake\n' >$h/.bash_history
	echo '-----BEGIN OPENSSH PRIVATE KEY-----' >$h/.ssh/id_ed25519
	echo 'ssh-ed25519 AAAA nobody@nowhere' >$h/.ssh/authorized_keys
	printf '[default]\naws_access_key_id = none\n' >$h/.aws/credentials
	chmod 700 $h/.ssh
done
chown -R 1000:1000 home/app
for f in syslog auth.log dpkg.log; do echo 'Nov 22 00:00:00 web test: started' >var/log/$f; done
echo 'not a module' >opt/app/evil.ko
: >usr/lib/x86_64-linux-gnu/liblzma.so.5.6.1
mkdir -p data/in data/logs srv/site/{css,js,a/b/c}
for i in 1 2 3 4 5 6 7 8 9; do echo "line $i of a data file" >data/in/$i.txt; done
echo '{"name": "web", "replicas": 2}' >data/in/config.json
echo '<html>hello</html>' >srv/site/index.html

ldconfig -r "$new" 2>/dev/null || :
cd /
find "$out" -maxdepth 1 \( -name 'image-*' -o -name 'making.*' \) -mmin +120 -exec rm -rf {} +
mv -T "$new" "$root" 2>/dev/null || [ -d "$root" ]
echo "$root"
