/* Decoding records of socket calls, and verdicts. The records were made on Linux 6.18, over loopback. */
#include <sys/mman.h>
#include <unistd.h>

#include "probe/decode_test.h"
#include "probe/stream/data.h"
#include "probe/stream/stream.h"
#include "probe/stream/verdict.h"

/* A client's request: 18 bytes, all of them captured. */
static const char request[] =
	"48827f86d10d0000395b7376d10d00000100000000000000a2000000ff000000ca740000ca74000017000000"
	"00000000707974686f6e330000000000000000007f0000010000000000000000000000007f00000100000000"
	"0000000000000000"
	"5cbb8f930200060001010000000000000500000000000000e74b7dd5120000001b0000000000000090001200"
	"21000100474554202f20485454502f312e310d0a0d0a";

/* The server's end of that connection. */
static const char closed[] =
	"817a8186d10d0000395b7376d10d00000100000000000000900000000b010000ca740000ca74000017000000"
	"00000000707974686f6e330000000000000000007f0000010000000000000000000000007f00000100000000"
	"0000000000000000"
	"8f935cbb02000600010900000000000006000000000000000000000000000000110000000000000000000000"
	"24000200";

static const struct rec_hdr *hdr(const struct decode_room *r)
{
	return (const void *)r->bytes;
}

static void test_request(void **state)
{
	struct decode_room r;
	struct rec_stream *s = (void *)r.bytes;
	struct str data = { 0 };

	(void)state;
	decode_open(&r, &probe_stream);
	decode_hex(&r, request);
	assert_int_equal(decode_all(&r), 0);
	assert_null(r.ev.kind);
	assert_int_equal(r.ev.fd.type, FD_IPV4);
	assert_int_equal(r.ev.fd.conn.lport, 0xbb5c);
	assert_int_equal(r.ev.fd.conn.rport, 0x938f);
	assert_int_equal(r.ev.fd.conn.is_server, 0);
	assert_int_equal(s->flags, STREAM_OUT | STREAM_OPENED);
	assert_int_equal(s->id, 5);
	assert_int_equal(s->seen, 18);
	assert_int_equal(s->srtt_us, 27);
	assert_true(stream_data(hdr(&r), &data));
	assert_true(str_eq(data, STR("GET / HTTP/1.1\r\n\r\n")));
	decode_close(&r);
}

static void test_closed(void **state)
{
	struct decode_room r;
	struct rec_stream *s = (void *)r.bytes;
	struct str data = STR("x");

	(void)state;
	decode_open(&r, &probe_stream);
	decode_hex(&r, closed);
	assert_int_equal(decode_all(&r), 0);
	assert_null(r.ev.kind);
	assert_int_equal(r.ev.fd.conn.is_server, 1);
	assert_int_equal(s->flags, STREAM_CLOSE | STREAM_OPENED);
	assert_true(stream_data(hdr(&r), &data));
	assert_int_equal(data.n, 0);
	assert_null(data.p);
	decode_close(&r);
}

/* What no kernel sends. */
static void test_hostile(void **state)
{
	static const struct {
		uint16_t off, len;
		uint32_t seen;
	} bad[] = {
		{ 144, 18, 17 },		  /* more captured than seen */
		{ 144, 19, 19 },		  /* past the end */
		{ 145, 18, 18 }, { 143, 18, 18 }, /* in the head */
		{ 0, 1, 18 },	 { 0xffff, 0xffff, ~0u }, { 64, 8, 18 },
	};
	struct decode_room r;
	struct rec_stream *s = (void *)r.bytes;
	struct rec_stream good;
	struct str data = STR("untouched");

	(void)state;
	decode_open(&r, &probe_stream);
	decode_hex(&r, request);
	good = *s;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		s->data.off = bad[i].off;
		s->data.len = bad[i].len;
		s->seen = bad[i].seen;
		assert_int_equal(decode_all(&r), -EBADMSG);
		assert_false(stream_data(hdr(&r), &data));
	}
	*s = good;
	s->role = 3;
	assert_int_equal(decode_all(&r), -EBADMSG);
	*s = good;
	s->flags = 512;
	assert_int_equal(decode_all(&r), -EBADMSG);
	*s = good;
	s->flags |= STREAM_TIMES; /* the record ends before them */
	assert_int_equal(decode_all(&r), -EBADMSG);
	assert_null(stream_times(hdr(&r)));
	*s = good;
	s->hdr.type = REC_CALLS;
	assert_false(stream_data(hdr(&r), &data));
	assert_true(str_eq(data, STR("untouched")));
	decode_close(&r);
}

static void test_damaged(void **state)
{
	struct decode_room r;

	(void)state;
	decode_open(&r, &probe_stream);
	decode_hex(&r, request);
	decode_short_refused(&r);
	decode_hex(&r, closed);
	decode_short_refused(&r);
	for (size_t at = sizeof(struct rec_hdr); at < r.n; at++) {
		uint8_t was = r.bytes[at];

		for (unsigned v = 0; v < 256; v++) {
			int err;

			r.bytes[at] = (uint8_t)v;
			err = decode_all(&r);
			assert_true(err == 0 || err == -EBADMSG);
		}
		r.bytes[at] = was;
	}
	decode_close(&r);
}

static void test_verdicts(void **state)
{
	int fd = memfd_create("verdicts", MFD_CLOEXEC);
	struct stream_verdicts v = { 0 };

	(void)state;
	stream_verdict_set(&v, 1, STREAM_CLASS_KEEP); /* not open: nothing */
	assert_int_equal(stream_verdicts_open(-1, &v), -EBADF);
	assert_null(v.words);
	assert_int_equal(ftruncate(fd, STREAM_VERDICTS * 8), 0);
	assert_int_equal(stream_verdicts_open(fd, &v), 0);
	stream_verdict_set(&v, 1, STREAM_CLASS_KEEP);
	stream_verdict_set(&v, STREAM_VERDICTS + 2, STREAM_CLASS_DROP);
	stream_verdict_set(&v, 0, STREAM_CLASS_KEEP);
	stream_verdict_set(&v, 1ull << 63 | 3, STREAM_CLASS_DROP); /* a datagram's */
	assert_int_equal(v.words[0], 0);
	assert_int_equal(v.words[1], 1 << STREAM_CLASS_BITS | STREAM_CLASS_KEEP);
	assert_int_equal(v.words[2],
			 (STREAM_VERDICTS + 2ull) << STREAM_CLASS_BITS | STREAM_CLASS_DROP);
	assert_int_equal(v.words[3], 0);
	stream_verdict_set(&v, 1, STREAM_CLASS_DROP);
	assert_int_equal(v.words[1], 1 << STREAM_CLASS_BITS | STREAM_CLASS_DROP);
	stream_verdicts_close(&v);
	stream_verdicts_close(&v);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),	 cmocka_unit_test(test_closed),
		cmocka_unit_test(test_hostile),	 cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_verdicts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
