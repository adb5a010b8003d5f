"""Detection: the attack and benign scripts (test/attack) in real containers, judged by their alerts."""
import calendar
import collections
import json
import os
import re
import shutil
import subprocess
import sys
import time

import lab
import runc
from e2e import DIR, Watch, capable, done, eq, ok, run, skip, start

HERE = os.path.dirname(os.path.abspath(__file__))
FALCO = HERE + '/../../rules/falco/'
OFFICIAL_ARGS = ['-r', FALCO + 'falco_rules.yaml', '-r', FALCO + 'falco-incubating_rules.yaml']
NODE = 'node-b'

why = capable() or lab.missing()
if why:
    print('1..0 # SKIP ' + why)
    sys.exit(0)


class Kube:
    """The stand-in API server (test/kube), with pods of our own."""

    def __init__(self):
        self.dir = DIR + '/kube'
        os.mkdir(self.dir)
        self.p = start([sys.executable, HERE + '/../../kube/apiserver.py', '--dir', self.dir],
                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        while not self.p.stdout.readline().startswith('READY'):
            if self.p.poll() is not None:
                raise RuntimeError('the stand-in API server ended')
        self.env = {'KUBECONFIG': self.dir + '/kubeconfig', 'NODE_NAME': NODE}

    def add(self, box, ns, name, container, uid):
        """A running pod with @box as its only container."""
        image = 'registry.example/%s/%s:1.4' % (ns, container)
        box.of_pod(ns, name, container, image)
        spec = {'name': container, 'image': image, 'securityContext': {'privileged': box.privileged}}
        o = {'kind': 'Pod', 'apiVersion': 'v1',
             'metadata': {'name': name, 'namespace': ns, 'uid': uid, 'labels': {'app': container}},
             'spec': {'nodeName': NODE, 'serviceAccountName': 'default', 'containers': [spec]},
             'status': {'phase': 'Running', 'qosClass': 'Burstable', 'containerStatuses': [
                 {'name': container, 'image': image, 'imageID': '', 'ready': True,
                  'containerID': 'containerd://' + box.id}]}}
        self.p.stdin.write('event pods ADDED %s\n' % json.dumps(o))
        self.p.stdin.flush()
        while not self.p.stdout.readline().startswith('OK'):
            pass


def boxes(kube):
    image = lab.image()
    made = {}
    for name, pod, privileged in (('web', ('shop', 'checkout-5c9f8d7b6-x7k2p'), False),
                                  ('tool', ('infra', 'node-tool-4fqzs'), True),
                                  ('calm', ('shop', 'catalog-0'), False)):
        uid = runc.new_uid()
        shape = runc.kubepods_systemd if name == 'tool' else runc.kubepods_cgroupfs
        made[name] = lab.Box(name, image, shape(uid), privileged=privileged)
        kube.add(made[name], *pod, name, uid)
    made['alone'] = lab.Box('alone', image, runc.DOCKER, caps=('NET_ADMIN', 'SYS_PTRACE'))
    return made


class Detect:
    """porthole detect, once with the kernel's filters and once without."""

    def __init__(self, kube, *args, envs=({}, {'PORTHOLE_PUSHDOWN': '0'})):
        self.watches = [Watch(command=('detect', '-o', 'json', *args), env=dict(kube.env, **e), wait=False)
                        for e in envs]

    def ready(self, seconds=60):
        """Each has its rules in the kernel, and what the cluster knows."""
        end = time.monotonic() + seconds
        for w in self.watches:
            said = b''
            while b'detecting: ' not in said or said.count(b'up to date') < 6:
                if w.p.poll() is not None or time.monotonic() > end:
                    raise RuntimeError('porthole detect is not ready: ' + said.decode())
                time.sleep(0.1)
                said = os.pread(w.err.fileno(), 1 << 16, 0)     # its offset is the writer's

    def stop(self):
        """-> alerts with it, alerts without"""
        self.said, out = [], []
        for w in self.watches:
            out.append(w.events(settle=0.4))
            self.said.append((w.status, w.said))
        for a in sum(out, []):
            whole, _, part = a['time'].rstrip('Z').partition('.')
            a['at'] = calendar.timegm(time.strptime(whole, '%Y-%m-%dT%H:%M:%S')) + float('0.' + part)
        return out


def host_tool(name, *args):
    """A program of that name, which is not of the container."""
    path = '%s/%s' % (DIR, name)
    shutil.copy(runc.BUSYBOX, path)
    subprocess.run([path, *args, DIR], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=10)


def attack(box):
    web, tool, alone = box['web'], box['tool'], box['alone']
    acts = [
        lab.by_hand('start', web, web.up),
        lab.by_hand('start-privileged', tool, tool.up, want=[('sleep', 'Launch Privileged Container', '')]),
        lab.by_hand('start-capable', alone, alone.up,
                    want=[('sleep', 'Launch Excessively Capable Container', '')]),
        lab.by_hand('terminal-shell', web, web.terminal, 'bash', '-c', 'id',
                    want=[('bash', 'Terminal shell in container', '')],
                    ours=[('bash', 'Shell on a terminal in a container', '')]),
        lab.by_hand('copy-out-by-control-plane', web, web.exec, 'tar', 'cf', '-', '/data/in',
                    want=[('tar', 'Exfiltrating Artifacts via Kubernetes Control Plane', '/data/in')]),
    ]
    acts += web.script('attack.sh', 'pod')
    acts += tool.script('attack.sh', 'privileged')
    acts += alone.script('attack.sh', 'docker')
    acts += [
        lab.by_hand('network-tool-on-host', None, host_tool, 'nc', '-h',
                    want=[('nc', 'Launch Suspicious Network Tool on Host', DIR)]),
        lab.by_hand('user-tool-on-host', None, host_tool, 'gpasswd', '--help',
                    want=[('gpasswd', 'User mgmt binaries', DIR)]),
    ]
    return acts


def benign(box):
    calm = box['calm']
    return [lab.by_hand('start', calm, calm.up)] + calm.script('benign.sh') + \
        [lab.by_hand('exec', calm, calm.exec, 'ls', '-l', '/data')]


def short(alerts):
    return [(a['rule'], a['output_fields'].get('proc.name'), a['output_fields'].get('proc.cmdline'),
             a['output_fields'].get('k8s.pod.name')) for a in alerts]


def fits(alert, box, proc, rule, text):
    f = alert['output_fields']
    pod = (f.get('k8s.ns.name'), f.get('k8s.pod.name'))
    return alert['rule'] == rule and proc in ('*', f.get('proc.name')) and \
        text in (f.get('proc.cmdline') or '') and pod == (box and box.pod or (None, None))


def judge(a, alerts, want, label):
    """One line: all that was wanted, right in process, container and pod, and nothing else."""
    name = '%s %s%s: %s' % (label, a.box.name + '/' if a.box else '', a.name,
                            ', '.join(sorted({w[1] for w in want})) or 'nothing')
    if a.lacks:
        return skip(name, 'no ' + a.lacks)
    mine = a.mine(alerts)
    lost = [w for w in want if not any(fits(x, a.box, *w) for x in mine)]
    extra = [x for x in mine if a.box and not any(fits(x, a.box, *w) for w in want)]
    return ok(not lost and not extra, name, 'missing: %s' % lost, 'unexpected: %s' % short(extra),
              'seen: %s' % short(mine))


# Each porthole takes these by a clock of its own.
TIMES = ('evt.time', 'container.start_ts', 'proc.exe_ino.ctime_duration_proc_start')


def content(alert):
    return alert['rule'] + ' ' + json.dumps({k: v for k, v in alert['output_fields'].items() if k not in TIMES})


def same(on, off, ids, label):
    """Push-down changes no alert."""
    a, b = (collections.Counter(content(x) for x in alerts if x['output_fields'].get('container.id') in ids)
            for alerts in (on, off))
    ok(a and a == b, '%s: the same alerts without push-down' % label, sum(a.values()),
       'only with: %s' % list((a - b))[:6], 'only without: %s' % list((b - a))[:6])


def tuned(kube):
    """All rules that match, with a list filled in: the two rules that stand behind others or wait for it."""
    path = DIR + '/tuned.yaml'
    with open(path, 'w') as f:
        f.write('- list: namespace_scope_network_only_subnet\n  items: [shop]\n  override: {items: replace}\n')
    return Detect(kube, '--all', *OFFICIAL_ARGS, '-r', path, envs=({},))


def judge_tuned(acts, alerts):
    for name, rule in (('metadata-service', 'Contact cloud metadata service from container'),
                       ('udp-odd-port', 'Network Connection outside Local Subnet')):
        a = next(a for a in acts if a.name == name)
        ok([x for x in a.mine(alerts) if fits(x, a.box, '*', rule, '')], '--all: ' + rule, short(a.mine(alerts)))


def cases():
    """Our own rules, one by one, on events that are told."""
    status, out, err = run('rules', 'test', HERE + '/../../rules/porthole_cases.yaml')
    ok(status == 0, 'the cases of our own rules', out.decode()[-2000:], err.decode())


def main():
    cases()
    kube = Kube()
    box = boxes(kube)
    ids = {b.id[:12] for b in box.values()}
    lab.network()
    sets = {'official': Detect(kube, *OFFICIAL_ARGS), 'own': Detect(kube)}
    every = tuned(kube)
    for d in (*sets.values(), every):
        d.ready()
    bad, good = attack(box), benign(box)
    alerts = {k: d.stop() for k, d in sets.items()}
    more = every.stop()[0]
    if os.environ.get('KEEP'):
        with open(os.environ['KEEP'], 'w') as f:
            json.dump(alerts, f, indent=1)
    for label, d in sets.items():
        eq([s[0] for s in d.said], [0, 0], label + ': ends well, nothing lost') or print('# %s' % (d.said,))
    ok(len([a for a in bad if not a.lacks]) >= 40 and len([a for a in good if not a.lacks]) >= 40,
       'at least 40 actions each', len(bad), len(good))
    for a in bad:
        judge(a, alerts['official'][0], a.want, 'official')
    for a in bad:
        judge(a, alerts['own'][0], a.ours, 'own')
    judge_tuned(bad, more)
    failed = [(a.name, a.status) for a in good if a.status]
    eq(failed, [], 'every benign action did its work')
    for label in sets:
        for a in good:
            judge(a, alerts[label][0], [], 'benign, %s' % label)
        same(*alerts[label], ids, label)
        on, off = (int((re.search(r'(\d+) events judged', said) or [0, 0])[1]) for status, said in sets[label].said)
        ok(0 < on < off, '%s: the kernel keeps events back' % label, on, off)
        print('# %s: %d of %d events judged' % (label, on, off))
    done()


main()
