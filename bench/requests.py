"""What seeing requests costs real servers: nginx, Redis, PostgreSQL, side by side with and without."""
import json
import os
import pwd
import re
import shutil
import statistics
import subprocess
import time

from measure import (PORTHOLE, ROOT, Absent, Redis, cpu_ns, on_cpu, process_end, run, say, spread, status_kib,
                     work)

PORT = 17080
AS_POSTGRES = "/usr/lib/postgresql"


class Nginx:
    """@tls: over OpenSSL, connections kept; what is measured is the same."""

    def __init__(self, tls=False):
        self.tls = tls
        self.port = PORT + tls

    def certificate(self):
        if not self.tls:
            return ""
        pem = [os.path.join(self.dir, name) for name in ("cert.pem", "key.pem")]
        run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-days", "2", "-subj", "/CN=localhost", "-out", pem[0], "-keyout", pem[1]], stderr=subprocess.DEVNULL)
        return f" ssl; ssl_certificate {pem[0]}; ssl_certificate_key {pem[1]}"

    def __enter__(self):
        if not shutil.which("nginx") or not shutil.which("wrk"):
            raise Absent("nginx or wrk is not installed")
        self.dir = work("nginx")
        os.makedirs(self.dir, exist_ok=True)
        for name, size in (("small", 200), ("100k", 100 << 10), ("3m", 3 << 20)):
            with open(os.path.join(self.dir, name), "wb") as f:
                f.write(b"x" * size)
        run(["gcc", "-O2", "-o", work("rate"), os.path.join(ROOT, "bench", "rate.c"), "-lssl", "-lcrypto"])
        conf = os.path.join(self.dir, "nginx.conf")
        with open(conf, "w") as f:
            f.write(f"""daemon off; worker_processes 1; user root; pid {self.dir}/pid; error_log {self.dir}/error;
events {{ worker_connections 1000; }}
http {{ access_log off; keepalive_requests 1000000000; sendfile on;
 client_body_temp_path {self.dir}/b; proxy_temp_path {self.dir}/p; fastcgi_temp_path {self.dir}/f;
 uwsgi_temp_path {self.dir}/u; scgi_temp_path {self.dir}/s;
 server {{ listen 127.0.0.1:{self.port}{self.certificate()}; root {self.dir}; }} }}""")
        self.proc = subprocess.Popen(["nginx", "-p", self.dir, "-c", conf], preexec_fn=on_cpu(0),
                                     stderr=subprocess.DEVNULL)
        time.sleep(0.7)
        return self

    def __exit__(self, *_):
        process_end(self.proc)

    def cpu(self):
        kids = subprocess.run(["pgrep", "-P", str(self.proc.pid)], stdout=subprocess.PIPE, text=True).stdout
        return sum(cpu_ns(int(k)) for k in kids.split())

    def load(self, path="small", seconds=3):
        """requests a second, ns of nginx's CPU a request, how many"""
        before = self.cpu()
        out = run(["wrk", "-t1", "-c20", f"-d{seconds}s", f"http{'s' * self.tls}://127.0.0.1:{self.port}/{path}"],
                  stdout=subprocess.PIPE, preexec_fn=on_cpu(1)).stdout
        n = int(re.search(r"(\d+) requests in", out)[1])
        return float(re.search(r"Requests/sec:\s+([0-9.]+)", out)[1]), (self.cpu() - before) / n, n

    def fixed(self, rate=2000, seconds=5):
        """p99 in microseconds"""
        out = run([work("rate"), str(self.port), "/small", str(rate), "20", str(seconds), *["tls"] * self.tls], stdout=subprocess.PIPE,
                  preexec_fn=on_cpu(1)).stdout
        return int(out.split()[2])


def redis_load(redis, n=60000):
    before = cpu_ns(redis.proc.pid)
    rates = redis.rates(n)
    return 2 / sum(1 / r for r in rates), (cpu_ns(redis.proc.pid) - before) / n / 2, 2 * n


class Postgres:
    def __enter__(self):
        versions = sorted(os.listdir(AS_POSTGRES)) if os.path.isdir(AS_POSTGRES) else []
        if not versions or not shutil.which("pgbench"):
            raise Absent("postgresql or pgbench is not installed")
        self.bin = os.path.join(AS_POSTGRES, versions[-1], "bin")
        self.dir = "/var/tmp/porthole-bench-pg"
        shutil.rmtree(self.dir, ignore_errors=True)
        os.makedirs(self.dir)
        who = pwd.getpwnam("postgres")
        os.chown(self.dir, who.pw_uid, who.pw_gid)
        self.user = lambda: (os.setgid(who.pw_gid), os.setuid(who.pw_uid))
        run([self.bin + "/initdb", "-A", "trust", "-D", self.dir + "/d"], stdout=subprocess.DEVNULL,
            preexec_fn=self.user, cwd="/")
        self.proc = subprocess.Popen([self.bin + "/postgres", "-D", self.dir + "/d", "-p", "17082", "-k", self.dir,
                                      "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"],
                                     preexec_fn=self.user, cwd="/", stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL)
        time.sleep(2)
        run([*self.client(), "-i", "-q", "-s", "2", "postgres"], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        return self

    def client(self):
        return ["pgbench", "-h", "127.0.0.1", "-p", "17082", "-U", "postgres"]

    def __exit__(self, *_):
        process_end(self.proc)
        shutil.rmtree(self.dir, ignore_errors=True)

    def load(self):
        out = run([*self.client(), "-S", "-n", "-c", "8", "-j", "1", "-T", "3", "postgres"],
                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        n = int(re.search(r"transactions actually processed: (\d+)", out)[1])
        return float(re.search(r"tps = ([0-9.]+)", out)[1]), 0, n


def detached():
    """The kernel has let go of what porthole was attached to: a child of it waits for that, some seconds."""
    for _ in range(150):
        if subprocess.run(["pgrep", "-x", "porthole-detach"], stdout=subprocess.DEVNULL).returncode != 0:
            return
        time.sleep(0.1)


class Beside:
    """A porthole beside a load: its CPU and memory while it was there."""

    def begin(self, seconds):
        time.sleep(seconds)
        if self.proc.poll() is not None:
            raise Absent(" ".join(self.proc.args[:2]) + " does not start")
        self.cpu, self.start = cpu_ns(self.proc.pid), time.monotonic()

    def end(self):
        self.used = (cpu_ns(self.proc.pid) - self.cpu) / (time.monotonic() - self.start) / 1e9
        self.rss = status_kib(self.proc.pid, "VmHWM") / 1024
        process_end(self.proc)
        detached()


class Seeing(Beside):
    """porthole requests top: also what it counted, and what it says it lost."""

    def __enter__(self):
        self.out = work("requests.out")
        with open(self.out, "w") as o, open(self.out + ".err", "w") as e:
            self.proc = subprocess.Popen([PORTHOLE, "requests", "top", "--by", "side,protocol,status", "-o", "json",
                                          "--for", "120s"], stdout=o, stderr=e)
        self.begin(4)
        return self

    def __exit__(self, *_):
        time.sleep(0.3)
        self.end()
        with open(self.out) as f:
            self.rows = [json.loads(line) for line in f if line.startswith("{")]
        with open(self.out + ".err") as f:
            self.lost = [line.strip() for line in f if "lost" in line]


class Agent(Beside):
    """porthole run as it comes: requests, connections, explain, history and a profile."""

    def __enter__(self):
        config = work("requests.yaml")
        with open(config, "w") as f:
            f.write('metrics: {address: "127.0.0.1:19877"}\n'
                    f'control: {{socket: "{work("requests.sock")}"}}\nlock: {{file: "{work("requests.pid")}"}}\n'
                    f'store: {{directory: "{work("requests.history")}"}}\n'
                    f'profile: {{directory: "{work("requests.profiles")}"}}\n')
        with open(work("requests.agent"), "w") as o:
            self.proc = subprocess.Popen([PORTHOLE, "run", "--config", config], stdout=o, stderr=o)
        self.begin(6)
        return self

    def __exit__(self, *_):
        self.end()


def under_agent(table, what, load, turns):
    ratios, used, rss = [], [], []
    before = load()
    for turn in range(turns):
        say(f"{what} under porthole run, run {turn + 1}")
        with Agent() as a:
            seen = load()
        after = load()
        ratios.append(1 - seen[0] * 2 / (before[0] + after[0]))
        used.append(a.used)
        rss.append(a.rss)
        before = after
    table.info(f"{what} under `porthole run` as it comes: fewer requests/s; its CPU, of one; its peak memory",
               f"{spread(ratios, 100, 1, ' %')}; {spread(used, 100, 0, ' %')}; {max(rss):.0f} MiB")


def sides(table, what, load, turns, slower, count=True):
    """@load() -> (rate, ns of the server's CPU a request, how many); with and without, in turn."""
    ratios, cpu, rss, used, lost, missing = [], [], [], [], set(), []
    before = load()
    for turn in range(turns):
        say(f"{what}, run {turn + 1}")
        with Seeing() as s:
            seen = load()
        after = load()
        ratios.append(1 - seen[0] * 2 / (before[0] + after[0]))
        cpu.append(seen[1] - (before[1] + after[1]) / 2)
        rss.append(s.rss)
        used.append(s.used)
        lost |= set(s.lost)
        got = sum(r["requests"] - r["unanswered"] for r in s.rows if r["by"].get("side") == "server")
        missing.append(seen[2] - got)
        before = after
    table.bar(f"{what}: fewer requests/s", spread(ratios, 100, 1, " %"), f"<= {slower} %",
              statistics.median(ratios) <= slower / 100)
    table.info("the same: the server's own CPU more a request; the agent's CPU, of one",
               f"{spread(cpu, 1e-3, 2, ' us')}; {spread(used, 100, 0, ' %')}")
    if count:
        table.bar("the same: answered requests not recorded; said lost",
                  f"{max(missing)}; {'; '.join(sorted(lost)) or 'nothing'}", "none", max(missing) <= 0 and not lost)
    table.bar("the same: the agent's peak memory", f"{max(rss):.0f} MiB", "< 96 MiB", max(rss) < 96)


def fixed(table, nginx, turns, what="nginx"):
    ratios, used = [], []
    before = nginx.fixed()
    for turn in range(turns):
        say(f"{what}, 2,000 requests/s, run {turn + 1}")
        with Seeing() as s:
            seen = nginx.fixed()
        after = nginx.fixed()
        ratios.append(seen * 2 / (before + after) - 1)
        used.append(s.used)
        before = after
    table.bar(f"{what}, 2,000 requests/s: p99 longer", spread(ratios, 100, 1, " %"), "<= 5 %",
              statistics.median(ratios) <= 0.05)
    table.bar("the same: the agent's CPU, of one", spread(used, 100, 2, " %"), "< 5 %",
              statistics.median(used) < 0.05)


def bench_requests(table, quick):
    turns = 2 if quick else 5
    for name, part in (("nginx", nginx_parts), ("nginx over TLS", tls_parts), ("redis", redis_part), ("postgres", postgres_part)):
        try:
            part(table, turns)
        except (Absent, OSError, subprocess.SubprocessError) as why:
            table.skip("requests of " + name, "", str(why))


def nginx_parts(table, turns):
    with Nginx() as nginx:
        sides(table, "nginx and wrk at full speed, 200-byte answers", nginx.load, turns, 10)
        fixed(table, nginx, turns)
        under_agent(table, "nginx and wrk at full speed", nginx.load, turns)
        sides(table, "the same, 100 KiB", lambda: nginx.load("100k"), turns, 3)
        sides(table, "the same, 3 MiB", lambda: nginx.load("3m"), turns, 3)


def tls_parts(table, turns):
    with Nginx(tls=True) as nginx:
        sides(table, "nginx and wrk over TLS at full speed, 200-byte answers", nginx.load, turns, 10)
        fixed(table, nginx, turns, "nginx over TLS")
        sides(table, "the same, 100 KiB over TLS", lambda: nginx.load("100k"), turns, 3)
        sides(table, "the same, 3 MiB over TLS", lambda: nginx.load("3m"), turns, 3)


def redis_part(table, turns):
    with Redis() as redis:
        sides(table, "redis-benchmark, 50 clients", lambda: redis_load(redis), turns, 15)
        under_agent(table, "redis-benchmark", lambda: redis_load(redis), turns)


def postgres_part(table, turns):
    with Postgres() as pg:
        sides(table, "pgbench -S, 8 clients", pg.load, turns, 10)
