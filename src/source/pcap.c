/*
 * libpcap's reader on a descriptor, and what of its packets is handed on.
 *
 * From a pipe libpcap reads through a FILE of ours without a buffer of its own: so whether there is
 * something to read is known without asking libpcap, which would wait. A file is read as usual, which
 * takes a tenth of the time.
 */
#include "source/pcap.h"

#include <errno.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "source/packet_flow.h"

#define INPUT_BYTES 65536
/* Packets without a record after which the caller has a look at the world. */
#define PACKETS_TURN 4096

struct input {
	int fd;
	bool pipe;
	/* Of a pipe: */
	size_t at, n; /* of buf: what libpcap has not read yet */
	uint64_t pos; /* bytes that it has */
	char buf[INPUT_BYTES];
};

struct packets {
	struct source src;
	struct input in;
	FILE *file;
	pcap_t *pcap;
	const struct packet_link *link;
	struct flows *flows;
	bool read; /* there are no more packets */
	char damage[PCAP_ERRBUF_SIZE];
};

static void packets_free(struct packets *p)
{
	if (!p)
		return;
	if (p->pcap)
		pcap_close(p->pcap); /* and the file */
	else
		fclosep(&p->file);
	flows_free(p->flows);
	closep(&p->in.fd);
	free(p);
}

static void packets_freep(struct packets **p)
{
	packets_free(*p);
}

/* --- input --- */

static bool input_ready(const struct input *in)
{
	struct pollfd p = { .fd = in->fd, .events = POLLIN };

	return !in->pipe || in->at < in->n || poll(&p, 1, 0) > 0;
}

static ssize_t input_read(void *ctx, char *to, size_t n)
{
	struct input *in = ctx;

	if (in->at == in->n) {
		ssize_t got;

		do {
			got = read(in->fd, in->buf, sizeof(in->buf));
		} while (got < 0 && errno == EINTR);
		if (got <= 0)
			return got;
		in->at = 0;
		in->n = (size_t)got;
	}
	n = n < in->n - in->at ? n : in->n - in->at;
	memcpy(to, in->buf + in->at, n);
	in->at += n;
	in->pos += n;
	return (ssize_t)n;
}

/* --- packets --- */

static struct boot_ns time_of(const struct pcap_pkthdr *h)
{
	int64_t ns;

	/* The member for microseconds has nanoseconds: so the file was opened. */
	if (__builtin_mul_overflow((int64_t)h->ts.tv_sec, (int64_t)NS_PER_SEC, &ns) ||
	    __builtin_add_overflow(ns, (int64_t)h->ts.tv_usec, &ns) || ns < 1)
		ns = 1;
	return (struct boot_ns){ (uint64_t)ns };
}

static void packet_take(struct packets *p, const struct pcap_pkthdr *h, const u_char *bytes)
{
	struct source_packets *lost = &p->src.losses.packets;
	uint64_t *const counters[PACKET_RESULTS] = {
		[PACKET_OTHER] = &lost->other,
		[PACKET_FRAGMENT] = &lost->fragments,
		[PACKET_CUT] = &lost->cut,
		[PACKET_BAD] = &lost->malformed,
	};
	enum packet_result r;
	struct packet packet;

	r = packet_parse(p->link, cur_of(bytes, h->caplen), h->len, &packet);
	if (r != PACKET_OK) {
		++*counters[r];
		return;
	}
	packet.time = time_of(h);
	flows_packet(p->flows, &packet);
}

static void packet_read(struct packets *p)
{
	struct pcap_pkthdr *h;
	const u_char *bytes;
	int got = pcap_next_ex(p->pcap, &h, &bytes);

	if (got == 1) {
		packet_take(p, h, bytes);
		return;
	}
	p->read = true;
	if (got == PCAP_ERROR_BREAK)
		return;
	snprintf(p->damage, sizeof(p->damage), "%s", pcap_geterr(p->pcap));
	p->src.damage = p->damage;
	p->src.damage_at = p->in.pipe ? p->in.pos : (uint64_t)ftello(p->file);
	p->src.losses.damaged++;
}

/* --- the source --- */

static struct packets *packets_of(struct source *s)
{
	return (struct packets *)s;
}

static int packets_next(struct source *s, const struct rec_hdr **ret)
{
	struct packets *p = packets_of(s);

	for (int i = 0; i < PACKETS_TURN; i++) {
		const struct rec_hdr *h = flows_take(p->flows);
		struct flows_stats st;

		if (h) {
			*ret = h;
			return 1;
		}
		if (!p->read) {
			if (!input_ready(&p->in))
				return 0;
			packet_read(p);
			continue;
		}
		if (flows_end(p->flows))
			continue;
		flows_stats(p->flows, &st);
		s->losses.packets.copies = st.copies;
		s->losses.packets.no_memory = st.no_memory;
		s->ended = true;
		return 0;
	}
	return 0;
}

static int packets_fd(struct source *s)
{
	const struct packets *p = packets_of(s);

	return p->in.pipe && !p->read ? p->in.fd : -1;
}

static int packets_stats(struct source *s, struct kind_stats ret[KIND_COUNT])
{
	(void)s;
	(void)ret;
	return -ENODATA;
}

static void packets_close(struct source *s)
{
	packets_free(packets_of(s));
}

static int pipe_open(struct packets *p, struct str begun)
{
	static const cookie_io_functions_t io = { .read = input_read };

	if (begun.n > sizeof(p->in.buf))
		return -EINVAL;
	if (begun.n)
		memcpy(p->in.buf, begun.p, begun.n);
	p->in.n = begun.n;
	p->file = fopencookie(&p->in, "r", io);
	if (!p->file)
		return -ENOMEM;
	setvbuf(p->file, NULL, _IONBF, 0);
	return 0;
}

/* From where it begins: before what was read of it. */
static int file_open(struct packets *p, int fd, struct str begun)
{
	_cleanup_(closep) int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	if (own < 0 || lseek(own, -(off_t)begun.n, SEEK_CUR) < 0)
		return -errno;
	p->file = fdopen(own, "r");
	if (!p->file)
		return -ENOMEM;
	own = -1;
	return 0;
}

static int input_open(struct packets *p, int fd, struct str begun)
{
	struct stat st;
	int err;

	if (fstat(fd, &st))
		return -errno;
	p->in.pipe = !S_ISREG(st.st_mode);
	err = p->in.pipe ? pipe_open(p, begun) : file_open(p, fd, begun);
	if (!err)
		p->in.fd = fd;
	return err;
}

static int packets_start(struct packets *p, const char **ret_why)
{
	char err[PCAP_ERRBUF_SIZE];

	p->pcap = pcap_fopen_offline_with_tstamp_precision(p->file, PCAP_TSTAMP_PRECISION_NANO, err);
	if (!p->pcap) {
		*ret_why = "the header of the pcap file cannot be read";
		return -EBADMSG;
	}
	p->link = packet_link_find(pcap_datalink(p->pcap));
	if (!p->link) {
		*ret_why = "packets of this link type are not read (only Ethernet, Linux cooked, "
			   "raw IP and BSD loopback)";
		return -EBADMSG;
	}
	return flows_new(&p->flows);
}

int pcap_source_open_fd(int fd, struct str begun, struct source **ret, const char **ret_why)
{
	static const struct source_ops ops = { packets_next, packets_fd, packets_stats,
					       packets_close };
	_cleanup_(packets_freep) struct packets *p = calloc(1, sizeof(*p));
	int err;

	*ret_why = "the pcap file cannot be read";
	if (!p)
		return -ENOMEM;
	p->in.fd = -1;
	p->src.ops = &ops;
	err = input_open(p, fd, begun);
	if (!err)
		err = packets_start(p, ret_why);
	if (err) {
		p->in.fd = -1; /* still the caller's */
		return err;
	}
	*ret = &take_ptr(p)->src;
	return 0;
}

bool pcap_source_is(struct str begun)
{
	/* Microseconds, nanoseconds, with longer packet headers; each in both byte orders; pcapng. */
	static const char magic[][4] = {
		{ '\xa1', '\xb2', '\xc3', '\xd4' }, { '\xd4', '\xc3', '\xb2', '\xa1' },
		{ '\xa1', '\xb2', '\x3c', '\x4d' }, { '\x4d', '\x3c', '\xb2', '\xa1' },
		{ '\xa1', '\xb2', '\xcd', '\x34' }, { '\x34', '\xcd', '\xb2', '\xa1' },
		{ '\x0a', '\x0d', '\x0d', '\x0a' },
	};

	for (size_t i = 0; begun.n >= 4 && i < sizeof(magic) / sizeof(magic[0]); i++)
		if (memcmp(begun.p, magic[i], 4) == 0)
			return true;
	return false;
}
