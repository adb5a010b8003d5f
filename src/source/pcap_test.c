/*
 * Files of packets: both byte orders, micro- and nanoseconds, pcapng; cut at every byte; a pipe that
 * delivers in parts; what is no such file; and real ones (test/captures/l7). replay_open on all.
 */
#include "source/pcap.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "probe/stream/stream.h"
#include "source/capture.h"
#include "source/replay.h"

#define SEC 1700000000u

struct shape {
	bool swapped, nano;
};

static void put32(struct buf *b, const struct shape *s, uint32_t v)
{
	v = s->swapped ? __builtin_bswap32(v) : v;
	buf_add(b, &v, 4);
}

static void file_header(struct buf *b, const struct shape *s, uint32_t link)
{
	uint16_t version[2] = { 2, 4 };

	put32(b, s, s->nano ? 0xa1b23c4d : 0xa1b2c3d4);
	if (s->swapped)
		for (int i = 0; i < 2; i++)
			version[i] = __builtin_bswap16(version[i]);
	buf_add(b, version, 4);
	put32(b, s, 0);
	put32(b, s, 0);
	put32(b, s, 65535);
	put32(b, s, link);
}

/* A datagram from port 40000 to 53, raw IP, with the letter. */
static const uint8_t *datagram(char letter, size_t *ret_n)
{
	static uint8_t p[29] = { 0x45, 0, 0,  29, 0, 0, 0,    0,    64, 17, 0, 0, 10, 0,
				 0,    1, 10, 0,  0, 2, 0x9c, 0x40, 0,	53, 0, 9, 0,  0 };

	p[28] = (uint8_t)letter;
	*ret_n = sizeof(p);
	return p;
}

static void packet(struct buf *b, const struct shape *s, uint32_t sec, uint32_t sub, char letter)
{
	size_t n;
	const uint8_t *p = datagram(letter, &n);

	put32(b, s, sec);
	put32(b, s, sub);
	put32(b, s, (uint32_t)n);
	put32(b, s, (uint32_t)n);
	buf_add(b, p, n);
}

static void small_file(struct buf *b, const struct shape *s)
{
	file_header(b, s, 101);
	packet(b, s, SEC, 5, 'a');
	packet(b, s, SEC + 1, 6, 'b');
	packet(b, s, SEC + 2, 7, 'c');
}

static struct source *open_bytes(const void *p, size_t n, const char **ret_why)
{
	int fd = memfd_create("pcap", MFD_CLOEXEC);
	struct source *s = NULL;

	*ret_why = NULL;
	assert_true(fd >= 0 && write(fd, p, n) == (ssize_t)n && lseek(fd, 0, SEEK_SET) == 0);
	if (pcap_source_open_fd(fd, STR_NONE, &s, ret_why) != 0)
		close(fd);
	return s;
}

static const struct rec_stream *next(struct source *s)
{
	const struct rec_hdr *h;

	while (!s->ended)
		if (source_next(s, &h) == 1)
			return (const struct rec_stream *)h;
	return NULL;
}

static uint32_t drain(struct source *s)
{
	uint32_t n = 0;

	while (next(s))
		n++;
	return n;
}

static void test_forms(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		const struct shape shape = { i & 1, i & 2 };
		_cleanup_(buf_free) struct buf b = { 0 };
		struct kind_stats st[KIND_COUNT];
		const struct rec_stream *r;
		struct source *s;
		const char *why;

		small_file(&b, &shape);
		assert_true(pcap_source_is((struct str){ b.p, b.n }));
		s = open_bytes(b.p, b.n, &why);
		assert_non_null(s);
		assert_int_equal(source_fd(s), -1);
		r = next(s);
		assert_int_equal(r->hdr.time_ns, SEC * NS_PER_SEC + (shape.nano ? 5 : 5000));
		assert_int_equal(r->hdr.pid, 0);
		assert_int_equal(((const char *)r)[r->data.off], 'a');
		assert_int_equal(drain(s), 3); /* two, and the end */
		assert_null(s->damage);
		assert_int_equal(source_stats(s, st), -ENODATA);
		source_close(s);
	}
}

static void block(struct buf *b, uint32_t type, const void *p, size_t n)
{
	const struct shape native = { 0 };
	uint32_t len = (uint32_t)(12 + (n + 3) / 4 * 4);

	put32(b, &native, type);
	put32(b, &native, len);
	buf_add(b, p, n);
	buf_add(b, "\0\0\0", (4 - n % 4) % 4);
	put32(b, &native, len);
}

static void test_ng(void **state)
{
	static const uint32_t section[] = { 0x1a2b3c4d, 1, UINT32_MAX, UINT32_MAX };
	static const uint32_t interface[] = { 101, 65535 }, other[] = { 1, 65535 };
	const struct shape native = { 0 };
	_cleanup_(buf_free) struct buf b = { 0 }, body = { 0 };
	const uint8_t *bytes;
	struct source *s;
	const char *why;
	size_t n;

	(void)state;
	block(&b, 0x0a0d0d0a, section, sizeof(section));
	block(&b, 1, interface, sizeof(interface));
	put32(&body, &native, 0);
	put32(&body, &native, (uint32_t)(SEC * 1000000ull >> 32));
	put32(&body, &native, (uint32_t)(SEC * 1000000ull) + 9);
	put32(&body, &native, 29);
	put32(&body, &native, 29);
	bytes = datagram('n', &n);
	buf_add(&body, bytes, n);
	block(&b, 6, body.p, body.n);
	assert_true(pcap_source_is((struct str){ b.p, b.n }));
	s = open_bytes(b.p, b.n, &why);
	assert_int_equal(next(s)->hdr.time_ns, SEC * NS_PER_SEC + 9000);
	assert_int_equal(drain(s), 1);
	assert_null(s->damage);
	source_close(s);
	/* An interface of another link type: the file is read up to there, and that is said. */
	block(&b, 1, other, sizeof(other));
	s = open_bytes(b.p, b.n, &why);
	assert_int_equal(drain(s), 2);
	assert_non_null(s->damage);
	assert_int_equal(s->losses.damaged, 1);
	source_close(s);
}

/* Cut anywhere: all whole packets, and what is missing is said. */
static void test_prefixes(void **state)
{
	const struct shape shape = { 0 };
	_cleanup_(buf_free) struct buf b = { 0 };

	(void)state;
	small_file(&b, &shape);
	for (size_t n = 0; n <= b.n; n++) {
		const char *why;
		struct source *s = open_bytes(b.p, n, &why);
		uint32_t whole = n < 24 ? 0 : (uint32_t)(n - 24) / 45;

		assert_int_equal(!s, n < 24);
		if (!s) {
			assert_non_null(why);
			continue;
		}
		assert_int_equal(drain(s), whole + (whole ? 1 : 0));
		assert_int_equal(!s->damage, (n - 24) % 45 == 0);
		assert_int_equal(s->losses.damaged, !!s->damage);
		assert_true(s->damage_at <= n);
		source_close(s);
	}
}

static void test_refused(void **state)
{
	const struct shape shape = { 0 };
	_cleanup_(buf_free) struct buf b = { 0 };
	const char *why;

	(void)state;
	file_header(&b, &shape, 105); /* IEEE 802.11 */
	assert_null(open_bytes(b.p, b.n, &why));
	assert_non_null(strstr(why, "link type"));
	assert_null(open_bytes("portcap\nxxxxxxxxxxxxxxxxxxxxxxx", 30, &why));
	assert_non_null(why);
	assert_false(pcap_source_is(STR("portcap\n")));
	assert_false(pcap_source_is(STR("\xa1\xb2\xc3")));
}

static void test_times(void **state)
{
	const struct shape shape = { 0 };
	_cleanup_(buf_free) struct buf b = { 0 };
	struct source *s;
	const char *why;

	(void)state;
	file_header(&b, &shape, 101);
	packet(&b, &shape, 0, 0, 'a');
	packet(&b, &shape, UINT32_MAX, UINT32_MAX, 'b');
	s = open_bytes(b.p, b.n, &why);
	assert_int_equal(next(s)->hdr.time_ns, 1);
	assert_non_null(next(s));
	source_close(s);
}

static void test_counters(void **state)
{
	const struct shape shape = { 0 };
	_cleanup_(buf_free) struct buf b = { 0 };
	const size_t head = 16;
	struct source *s;
	const char *why;

	(void)state;
	file_header(&b, &shape, 101);
	for (size_t i = 0; i < 4; i++)
		packet(&b, &shape, SEC, 0, 'a');
	b.p[24 + 0 * 45 + head + 9] = 1;    /* ICMP */
	b.p[24 + 1 * 45 + head + 6] = 0x20; /* more fragments */
	b.p[24 + 2 * 45 + head + 0] = 0x41; /* a header of 4 bytes */
	b.p[24 + 3 * 45 + head + 0] = 0x4f; /* of 60, in a frame that is said to be longer */
	b.p[24 + 3 * 45 + head + 3] = 99;
	b.p[24 + 3 * 45 + 12] = 99;
	s = open_bytes(b.p, b.n, &why);
	assert_int_equal(drain(s), 0);
	assert_int_equal(s->losses.packets.other, 1);
	assert_int_equal(s->losses.packets.fragments, 1);
	assert_int_equal(s->losses.packets.malformed, 1);
	assert_int_equal(s->losses.packets.cut, 1);
	source_close(s);
}

/* Nothing waits between packets; records come as the bytes do. */
static void test_pipe(void **state)
{
	const struct shape shape = { 0 };
	_cleanup_(buf_free) struct buf b = { 0 };
	const struct rec_hdr *h;
	struct source *s;
	const char *why;
	int fds[2];

	(void)state;
	small_file(&b, &shape);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(write(fds[1], b.p + 4, 20), 20);
	assert_int_equal(pcap_source_open_fd(fds[0], (struct str){ b.p, 4 }, &s, &why), 0);
	assert_int_equal(source_fd(s), fds[0]);
	assert_int_equal(source_next(s, &h), 0);
	assert_false(s->ended);
	assert_int_equal(write(fds[1], b.p + 24, 90), 90);
	assert_int_equal(source_next(s, &h), 1);
	assert_int_equal(source_next(s, &h), 1);
	assert_int_equal(source_next(s, &h), 0);
	assert_int_equal(write(fds[1], b.p + 114, 45), 45);
	close(fds[1]);
	assert_int_equal(source_next(s, &h), 1);
	assert_int_equal(drain(s), 1);
	assert_null(s->damage);
	source_close(s);
}

static int replay_bytes(const void *p, size_t n, struct source **ret, const char **ret_why)
{
	char path[] = "/tmp/porthole_pcap_test.XXXXXX";
	int fd = mkstemp(path), err;

	assert_true(fd >= 0 && write(fd, p, n) == (ssize_t)n);
	close(fd);
	err = replay_open(path, ret, ret_why);
	unlink(path);
	return err;
}

static void test_replay(void **state)
{
	const struct shape shape = { 0 };
	_cleanup_(buf_free) struct buf b = { 0 };
	struct source *s;
	const char *why;

	(void)state;
	small_file(&b, &shape);
	assert_int_equal(replay_bytes(b.p, b.n, &s, &why), 0);
	assert_int_equal(drain(s), 4);
	source_close(s);
	assert_int_equal(replay_open("src/source/capture_fuzz.d/golden", &s, &why), 0);
	assert_true(drain(s) > 0 && capture_facts(s)->created.ns);
	source_close(s);
	assert_int_equal(replay_bytes("hello, world", 12, &s, &why), -EBADMSG);
	assert_non_null(strstr(why, "neither"));
	assert_int_equal(replay_bytes("", 0, &s, &why), -EBADMSG);
	assert_int_equal(replay_bytes("portcap\n", 8, &s, &why), -EBADMSG);
	assert_non_null(strstr(why, "damaged"));
	assert_int_equal(replay_bytes("\xa1\xb2\xc3\xd4", 4, &s, &why), -EBADMSG);
	assert_non_null(strstr(why, "pcap"));
	assert_int_equal(replay_open("/nonexistent/file", &s, &why), -ENOENT);
}

/* Each is read to its end, and every packet is understood. */
static void test_real(void **state)
{
	glob_t g;

	(void)state;
	assert_int_equal(glob("test/captures/l7/*/*.pcap*", 0, NULL, &g), 0);
	assert_true(g.gl_pathc >= 30);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		struct source *s;
		const char *why;

		if (replay_open(g.gl_pathv[i], &s, &why) != 0)
			fail_msg("%s: %s", g.gl_pathv[i], why);
		if (drain(s) < 2 || s->damage || s->losses.packets.malformed ||
		    s->losses.packets.cut || s->losses.packets.fragments)
			fail_msg("%s is not read whole", g.gl_pathv[i]);
		source_close(s);
	}
	globfree(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),	 cmocka_unit_test(test_ng),
		cmocka_unit_test(test_prefixes), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_times),	 cmocka_unit_test(test_counters),
		cmocka_unit_test(test_pipe),	 cmocka_unit_test(test_replay),
		cmocka_unit_test(test_real),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
