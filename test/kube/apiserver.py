#!/usr/bin/env python3
"""A stand-in for kube-apiserver: replays the recordings in src/kube/testdata over TLS on 127.0.0.1,
with pages, watches, bookmarks and field selectors, and does wrong what it is told to.

Needs python3 (standard library only) and the openssl command. Not a Kubernetes implementation: it knows
GET of six resources and nothing else.

    test/kube/apiserver.py --dir DIR [--port N] [--token T]

writes into DIR: ca.crt, client.crt, client.key, token, kubeconfig (token), kubeconfig.cert (client
certificate); then prints "READY PORT". Each request is printed as

    REQ METHOD RESOURCE list|watch CODE-or-FAULT TARGET

RESOURCE is node-pods (pods of one node), pods, namespaces, services, endpointslices or nodes. Commands, one
a line on standard input, each answered by "OK" (or "ERR ..."):

    fault RES PHASE KIND [COUNT]  RES may be *, PHASE list, watch, more (a page after the first) or any;
                                  COUNT replies (default 1) get the fault
        httpCODE   an error Status        cut     end the connection in the middle of an object
        slow       dribble                gone    410 (in a watch: an ERROR event)
        garbage    bytes, no JSON         badjson an object that is no JSON among good ones
        huge       one 3 MiB object first stale   headers, then nothing
        hang       nothing at all         reset   close at once
        deep       one object nested 5,000 deep   nameless an object without metadata
    clear                 no faults
    play                  apply the recorded watch events
    event RES TYPE JSON   apply one event (ADDED, MODIFIED, DELETED); gets the next resourceVersion
    synth N               N more pods on 100 other nodes, with services and slices for one in ten
    token T               from now on only this bearer token is right
    bookmark              send one bookmark on every watch
    drop                  end every watch cleanly
    reset                 back to the beginning; ends every watch
    quit
"""
import argparse
import base64
import copy
import json
import os
import ssl
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "..", "..", "src", "kube", "testdata")
RESOURCES = {
    "/api/v1/pods": ("pods", "Pod", "v1"),
    "/api/v1/namespaces": ("namespaces", "Namespace", "v1"),
    "/api/v1/services": ("services", "Service", "v1"),
    "/apis/discovery.k8s.io/v1/endpointslices": ("endpointslices", "EndpointSlice", "discovery.k8s.io/v1"),
    "/api/v1/nodes": ("nodes", "Node", "v1"),
}
FIELDS = {
    "spec.nodeName": lambda o: o.get("spec", {}).get("nodeName", ""),
    "status.phase": lambda o: o.get("status", {}).get("phase", ""),
}


def load(name):
    with open(os.path.join(DATA, name), encoding="utf-8") as f:
        return f.read()


def key_of(o):
    return o["metadata"].get("namespace", "") + "/" + o["metadata"]["name"]


def selects(selector, o):
    if o is None:
        return False
    for term in filter(None, selector.split(",")):
        if "!=" in term:
            k, v = term.split("!=")
            if FIELDS[k](o) == v:
                return False
        else:
            k, v = term.split("=")
            if FIELDS[k](o) != v:
                return False
    return True


class State:
    """Objects, the log of events, faults. Everything under one lock."""

    def __init__(self, token):
        self.cond = threading.Condition()
        self.token = token
        self.epoch = 0
        with self.cond:
            self.reset()

    def reset(self):
        self.epoch += 1
        self.objects, self.log, self.faults = {}, {}, []
        self.bookmarks = self.drops = 0
        self.rv = 406
        for name, _, _ in RESOURCES.values():
            items = json.loads(load(name + ".list.json"))["items"]
            if name == "pods":
                items += json.loads(load("real.pods.list.json"))["items"]
            self.objects[name] = {key_of(o): o for o in items}
            self.log[name] = []
        self.cond.notify_all()

    def apply(self, name, kind, o, rv):
        key = key_of(o)
        old = self.objects[name].get(key)
        if kind == "DELETED":
            self.objects[name].pop(key, None)
        else:
            self.objects[name][key] = o
        self.log[name].append((rv, kind, old, o))
        self.rv = max(self.rv, rv)

    def play(self):
        for name, _, _ in RESOURCES.values():
            for line in load(name + ".watch.ndjson").splitlines():
                e = json.loads(line)
                rv = int(e["object"]["metadata"]["resourceVersion"])
                if e["type"] != "BOOKMARK" and rv > 406:
                    self.apply(name, e["type"], e["object"], rv)

    def event(self, name, kind, o):
        o["metadata"]["resourceVersion"] = str(self.rv + 1)
        self.apply(name, kind, o, self.rv + 1)

    def synth(self, n):
        model = json.loads(load("real.pods.list.json"))["items"][0]
        for i in range(n):
            o = copy.deepcopy(model)
            m = o["metadata"]
            m.update(name=f"app-{i // 10}-6d5f7c9b8d-{i:05d}", namespace=f"team-{i // 200}",
                     uid=f"{i:08x}-1111-4222-8333-{i:012x}")
            m["labels"] = {"app": f"app-{i // 10}", "pod-template-hash": "6d5f7c9b8d"}
            m["ownerReferences"] = [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "controller": True,
                                     "name": f"app-{i // 10}-6d5f7c9b8d", "uid": f"rs-{i // 10}"}]
            o["spec"].pop("hostNetwork", None)
            o["spec"]["nodeName"] = f"worker-{i % 100:03d}"
            ip = f"10.{64 + i // 65536}.{i // 256 % 256}.{i % 256}"
            o["status"].update(phase="Running", podIP=ip, podIPs=[{"ip": ip}])
            self.objects["pods"][key_of(o)] = o
            if i % 10 == 0:
                self.synth_service(i, ip)

    def synth_service(self, i, ip):
        name, ns = f"app-{i // 10}", f"team-{i // 200}"
        vip = f"10.96.{i // 10 // 256}.{i // 10 % 256}"
        self.objects["services"][f"{ns}/{name}"] = {
            "metadata": {"name": name, "namespace": ns, "uid": f"svc-{i}"},
            "spec": {"clusterIP": vip, "clusterIPs": [vip]}}
        base = ip.rsplit(".", 1)
        ips = [f"{base[0]}.{int(base[1]) + k}" for k in range(10) if int(base[1]) + k < 256]
        self.objects["endpointslices"][f"{ns}/{name}-abcde"] = {
            "metadata": {"name": name + "-abcde", "namespace": ns, "uid": f"eps-{i}",
                         "labels": {"kubernetes.io/service-name": name}},
            "addressType": "IPv4", "endpoints": [{"addresses": [a]} for a in ips]}

    def fault(self, res, phases):
        for f in self.faults:
            if f[0] in (res, "*") and f[1] in phases and f[3] > 0:
                f[3] -= 1
                return f[2]
        return None


class Abort(Exception):
    pass


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def setup(self):
        self.request.do_handshake()
        super().setup()

    def say(self, what):
        with out_lock:
            print("REQ", self.command, self.res, self.phase, what, self.path, flush=True)

    def authorized(self):
        cert = self.connection.getpeercert()
        return bool(cert) or self.headers.get("Authorization") == "Bearer " + state.token

    def do_GET(self):
        url = urlsplit(self.path)
        q = {k: v[0] for k, v in parse_qs(url.query).items()}
        self.selector = q.get("fieldSelector", "")
        found = RESOURCES.get(url.path)
        self.res, self.kind, self.api = found or ("?", "", "")
        self.name = self.res
        if self.res == "pods" and "spec.nodeName=" in self.selector:
            self.res = "node-pods"
        watch = q.get("watch") == "1"
        self.phase = "watch" if watch else "list"
        phases = ("any", self.phase) + (("more",) if "continue" in q else ())
        with state.cond:
            fault = state.fault(self.res, phases)
        try:
            if not found:
                self.status(404, "the server could not find the requested resource")
            elif not self.authorized():
                self.status(401, "Unauthorized")
            elif fault and (fault.startswith("http") or fault == "gone" and not watch):
                self.status(int(fault[4:]) if fault != "gone" else 410, None)
            else:
                self.say(fault or 200)
                self.early_fault(fault)
                (self.watch if watch else self.list)(q, fault)
        except (Abort, OSError, ssl.SSLError):
            self.close_connection = True

    def early_fault(self, fault):
        if fault == "reset":
            raise Abort
        if fault == "hang":
            self.sleep_until_closed()
        if fault == "garbage":
            self.begin(None)
            self.chunk(bytes(range(256)) * 16)
            raise Abort

    def sleep_until_closed(self):
        epoch = state.epoch
        while state.epoch == epoch:
            time.sleep(0.05)
        raise Abort

    def status(self, code, message):
        files = {403: "real.pods.list.as-node-a.forbidden.json", 504: "pods.list.toolarge-rv.json"}
        reasons = {401: "Unauthorized", 404: "NotFound", 410: "Expired", 429: "TooManyRequests",
                   500: "InternalError"}
        self.say(code)
        if code in files:
            body = load(files[code])
        else:
            body = json.dumps({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                               "message": message or "made to fail", "code": code,
                               "reason": reasons.get(code, "Failure")})
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body.encode())))
        if code == 429:
            self.send_header("Retry-After", "1")
        self.end_headers()
        self.wfile.write(body.encode())

    def begin(self, length):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        if length is None:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.flush()

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def list(self, q, fault):
        limit, offset, rv = int(q.get("limit", 0)), 0, state.rv
        with state.cond:
            if "continue" in q:
                rv, offset = map(int, base64.urlsafe_b64decode(q["continue"]).split(b":"))
            items = [o for _, o in sorted(state.objects[self.name].items()) if selects(self.selector, o)]
        meta = {"resourceVersion": str(rv)}
        page = items[offset:offset + limit] if limit else items[offset:]
        if limit and offset + limit < len(items):
            meta["continue"] = base64.urlsafe_b64encode(b"%d:%d" % (rv, offset + limit)).decode()
        texts = [json.dumps(o, ensure_ascii=False) for o in page]
        texts[1:1] = self.bad_items(fault)
        body = json.dumps({"kind": self.kind + "List", "apiVersion": self.api, "metadata": meta})
        body = (body[:-1] + ', "items": [' + ",".join(texts) + "]}").encode()
        self.begin(len(body))
        if fault == "stale":
            self.sleep_until_closed()
        if fault == "cut":
            self.wfile.write(body[:len(body) // 2])
            self.wfile.flush()
            raise Abort
        if fault == "slow":
            for i in range(0, len(body), len(body) // 40 + 1):
                self.wfile.write(body[i:i + len(body) // 40 + 1])
                self.wfile.flush()
                time.sleep(0.01)
            return
        self.wfile.write(body)

    def bad_items(self, fault):
        obj = {"metadata": {"name": "odd", "namespace": "odd", "uid": "odd-1"}}
        if fault == "huge":
            obj["metadata"]["annotations"] = {"x": "y" * (3 << 20)}
            return [json.dumps(obj)]
        if fault == "deep":
            return ['{"metadata":' + "[" * 5000 + "]" * 5000 + "}"]
        if fault == "badjson":
            return ['{"metadata": {"name": tru, "uid": "x"}}']
        if fault == "nameless":
            return ['{"metadata": {}}', '{"metadata": 7}']
        return []

    def watch(self, q, fault):
        since, seen = int(q["resourceVersion"]), 0
        end = time.monotonic() + int(q.get("timeoutSeconds", 300))
        with state.cond:
            epoch, marks, drops = state.epoch, state.bookmarks, state.drops
        self.begin(None)
        if fault == "stale":
            self.sleep_until_closed()
        if fault == "gone":
            self.chunk(load("pods.watch.expired.ndjson").encode())
            self.chunk(b"")
            return
        if fault == "cut":
            self.chunk(b'{"type":"ADDED","object":{"kind":"Pod","metadata":{"na')
            raise Abort
        for text in self.bad_items(fault):
            self.chunk(('{"type":"ADDED","object":' + text + "}\n").encode())
        while True:
            with state.cond:
                log = state.log[self.name]
                if seen == len(log) and marks == state.bookmarks and state.epoch == epoch and \
                        drops == state.drops:
                    state.cond.wait(max(0.01, min(1, end - time.monotonic())))
                new, seen = log[seen:], len(log)
                mark, marks, now = marks != state.bookmarks, state.bookmarks, state.rv
                over = state.epoch != epoch or state.drops != drops or time.monotonic() > end
            for rv, kind, old, o in new:
                if rv > since:
                    self.watch_event(kind, old, o, fault)
            if mark:
                self.line({"type": "BOOKMARK", "object": {
                    "kind": self.kind, "apiVersion": self.api, "metadata": {"resourceVersion": str(now)}}})
            if over:
                self.wfile.write(b"0\r\n\r\n")
                return

    def watch_event(self, kind, old, o, fault):
        was, now = selects(self.selector, old), selects(self.selector, o)
        if kind == "DELETED" and not was and not now:
            return
        if kind != "DELETED":
            if not was and not now:
                return
            kind = "MODIFIED" if was and now else "ADDED" if now else "DELETED"
        self.line({"type": kind, "object": o}, fault == "slow")

    def line(self, event, slow=False):
        data = (json.dumps(event, ensure_ascii=False) + "\n").encode()
        for i in range(0, len(data), 500 if slow else len(data)):
            self.chunk(data[i:i + (500 if slow else len(data))])
            if slow:
                time.sleep(0.002)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        pass


def openssl(*args):
    subprocess.run(["openssl", *args], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def make_certs(d):
    def path(n):
        return os.path.join(d, n)
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", *new_key, "-keyout", path("ca.key"), "-out", path("ca.crt"), "-days", "30",
            "-subj", "/CN=stand-in CA")
    for name, ext in (("server", "subjectAltName=IP:127.0.0.1,DNS:localhost"),
                      ("client", "extendedKeyUsage=clientAuth")):
        with open(path(name + ".ext"), "w", encoding="utf-8") as f:
            f.write(ext + "\n")
        openssl("req", *new_key, "-keyout", path(name + ".key"), "-out", path(name + ".csr"),
                "-subj", "/CN=" + name)
        openssl("x509", "-req", "-in", path(name + ".csr"), "-CA", path("ca.crt"), "-CAkey", path("ca.key"),
                "-CAcreateserial", "-days", "30", "-extfile", path(name + ".ext"), "-out",
                path(name + ".crt"))


def write_configs(d, port, token):
    def text(n):
        with open(os.path.join(d, n), "rb") as f:
            return base64.b64encode(f.read()).decode()
    with open(os.path.join(d, "token"), "w", encoding="utf-8") as f:
        f.write(token + "\n")
    head = f"""apiVersion: v1
kind: Config
current-context: stand-in
contexts:
- name: stand-in
  context: {{cluster: c, user: u}}
clusters:
- name: c
  cluster:
    server: https://127.0.0.1:{port}
"""
    with open(os.path.join(d, "kubeconfig"), "w", encoding="utf-8") as f:
        f.write(head + "    certificate-authority: ca.crt\nusers:\n- name: u\n  user: {tokenFile: token}\n")
    with open(os.path.join(d, "kubeconfig.cert"), "w", encoding="utf-8") as f:
        f.write(head + f"    certificate-authority-data: {text('ca.crt')}\nusers:\n- name: u\n  user:\n"
                f"    client-certificate-data: {text('client.crt')}\n"
                f"    client-key-data: {text('client.key')}\n")


def command(line):
    word, _, rest = line.partition(" ")
    with state.cond:
        if word == "fault":
            a = rest.split()
            state.faults.append([a[0], a[1], a[2], int(a[3]) if len(a) > 3 else 1])
        elif word == "clear":
            state.faults = []
        elif word == "play":
            state.play()
        elif word == "event":
            name, kind, text = rest.split(" ", 2)
            state.event(name, kind, json.loads(text))
        elif word == "synth":
            state.synth(int(rest))
        elif word == "token":
            state.token = rest
        elif word == "bookmark":
            state.bookmarks += 1
        elif word == "drop":
            state.drops += 1
        elif word == "reset":
            state.reset()
        else:
            raise ValueError("no such command: " + word)
        state.cond.notify_all()


def main():
    global state, out_lock
    ap = argparse.ArgumentParser()
    ap.add_argument("--dir", required=True)
    ap.add_argument("--port", type=int, default=0)
    ap.add_argument("--token", default="stand-in-token")
    args = ap.parse_args()
    out_lock = threading.Lock()
    os.makedirs(args.dir, exist_ok=True)
    make_certs(args.dir)
    state = State(args.token)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(os.path.join(args.dir, "server.crt"), os.path.join(args.dir, "server.key"))
    tls.load_verify_locations(os.path.join(args.dir, "ca.crt"))
    tls.verify_mode = ssl.CERT_OPTIONAL
    server = Server(("127.0.0.1", args.port), Handler)
    server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    port = server.server_address[1]
    write_configs(args.dir, port, args.token)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print("READY", port, flush=True)
    for line in sys.stdin:
        line = line.strip()
        if line == "quit":
            break
        try:
            command(line)
            answer = "OK"
        except Exception as e:  # the driver is told, whatever it is
            answer = f"ERR {e}"
        with out_lock:
            print(answer, flush=True)


main()
