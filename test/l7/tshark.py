"""tshark's decoding of a capture, message by message, given to a judge."""
import collections
import re
import subprocess
import tempfile
import xml.etree.ElementTree as xml


class Message:
    """One message of a protocol (a PDML element) and the packet it ended in."""

    def __init__(self, element, packet):
        self.element, self.packet = element, packet

    def all(self, name):
        """Values of each field of that name, in order."""
        return [f.get('show', '') for f in self.element.iter('field') if f.get('name') == name]

    def one(self, name):
        """The first, or None."""
        return next(iter(self.all(name)), None)

    def label(self, name):
        """What tshark calls the first one's value: "Method: Start-Ok (11)" -> Start-Ok; None."""
        for f in self.element.iter('field'):
            if f.get('name') == name:
                text = f.get('showname', '').partition(': ')[2]
                return text.rpartition(' (')[0] or text
        return None

    def parts(self, name):
        """The fields of that name as messages of their own; itself, when there is none."""
        found = [Message(f, self.packet) for f in self.element.iter('field') if f.get('name') == name]
        return found or [self]


class Packet:
    """stream: tshark's number of the TCP connection; to_server: its direction."""

    def __init__(self, element, servers):
        self.protos = element.findall('proto')
        self.stream = self.to_server = None
        for p in self.protos:
            if p.get('name') == 'tcp':
                m = Message(p, self)
                self.stream = m.one('tcp.stream')
                self.to_server = int(m.one('tcp.dstport')) == servers[self.stream]


class Judge:
    """What counts: requests by (method, name), statuses. A protocol's own derives from it."""
    protos = ()     # tshark's names of the messages

    def __init__(self):
        self.asked = collections.Counter()
        self.status = collections.Counter()

    def ask(self, *key):
        self.asked[key] += 1

    def answer(self, status):
        self.status[status] += 1

    def message(self, m):
        raise NotImplementedError

    def end(self):
        pass

    def bytes(self, path, streams):
        """For what tshark has no dissector for: reads the streams' bytes itself."""


def servers(path):
    """{stream: the server's port}: the one its SYN goes to, or the lower one when it was met midway."""
    out = subprocess.run(['tshark', '-n', '-r', path, '-Y', 'tcp', '-T', 'fields', '-e', 'tcp.srcport', '-e',
                          'tcp.dstport', '-e', 'tcp.stream', '-e', 'tcp.flags.syn', '-e', 'tcp.flags.ack'],
                         capture_output=True, text=True, check=True).stdout
    found = {}
    for line in out.splitlines():
        src, dst, stream, syn, ack = line.split('\t')
        if syn in ('1', 'True') and ack in ('0', 'False'):
            found[stream] = int(dst)
        else:
            found.setdefault(stream, min(int(src), int(dst)))
    return found


def read(path, judge, decode, default):
    """Every message of the protocols in judge.protos goes to judge.message. decode: {port: tshark's name}."""
    args = ['tshark', '-n', '-r', path, '-T', 'pdml', '-o', 'tcp.reassemble_out_of_order:TRUE']
    streams = servers(path)
    for port in set(streams.values()):
        how = decode.get(port, default)
        if how:
            args += ['-d', 'tcp.port==%d,%s' % (port, how)]
    with tempfile.TemporaryFile() as out:
        subprocess.run(args, stdout=out, stderr=subprocess.DEVNULL, check=True)
        out.seek(0)
        for _, element in xml.iterparse(out):
            if element.tag != 'packet':
                continue
            packet = Packet(element, streams)
            for p in packet.protos:
                if p.get('name') in judge.protos:
                    judge.message(Message(p, packet))
            element.clear()
    judge.bytes(path, streams)
    judge.end()


def follow(path, streams):
    """[(to the server, bytes)] of each TCP stream, as tshark puts it together."""
    for n, port in streams.items():
        text = subprocess.run(['tshark', '-n', '-r', path, '-q', '-z', 'follow,tcp,raw,' + n],
                              capture_output=True, text=True, check=True).stdout
        # Lines of node 1 begin with a tab.
        first = int(re.search(r'Node 0: .*:(\d+)', text).group(1))
        yield [((first == port) == line.startswith('\t'), bytes.fromhex(line.strip()))
               for line in text.splitlines() if re.fullmatch(r'\t?([0-9a-f]{2})+', line)]
