"""A pod of the stand-in Kubernetes API (test/kube/apiserver.py), shop/web-7fdc59d75b-dmvp4, with a cgroup for real processes."""
import os
import subprocess
import sys

from e2e import DIR, at_end, start, until

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.join(HERE, '../../..')
CAPTURES = os.path.join(TOP, 'test/captures/l7')
UID = '11a66441-eb7e-4576-be19-cf6b5bbe7417'
CID = '69e849912affb8a3ca4897ae94bb9f0c692fa86f0ef94fc666158165ff43f5bf'
ENV = dict(os.environ, KUBECONFIG=DIR + '/kubeconfig', NODE_NAME='node-b')    # of an agent


def _cgroup():
    top = '/sys/fs/cgroup/pids' if os.path.isdir('/sys/fs/cgroup/pids') else '/sys/fs/cgroup'
    path = '%s/kubepods/besteffort/pod%s/%s' % (top, UID, CID)
    os.makedirs(path, exist_ok=True)

    def remove():
        p = path
        while p != top:
            try:
                os.rmdir(p)
            except OSError:
                return
            p = os.path.dirname(p)
    at_end(remove)
    return path


CGROUP = _cgroup()


def api():
    """Starts the API; writes the kubeconfig."""
    start([TOP + '/test/kube/apiserver.py', '--dir', DIR], stdin=subprocess.PIPE, stdout=open(DIR + '/api', 'w'))
    until(lambda: 'READY' in open(DIR + '/api').read(), 20)


def inside():
    """For preexec_fn: into the pod."""
    with open(CGROUP + '/cgroup.procs', 'w') as f:
        f.write(str(os.getpid()))


def play(*files, times=1):
    """Conversations of test/captures/l7, said by a process of the pod; again each second."""
    subprocess.run([sys.executable, HERE + '/l7_play.py', str(times), *['%s/%s.pcap' % (CAPTURES, f) for f in files]],
                   timeout=90, stdout=subprocess.DEVNULL, check=True, preexec_fn=inside)
