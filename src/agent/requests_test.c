/* From records of socket calls to events: the process, the ends, the fields, captures and their replay. */
#include "agent/stream_test.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/catalogue.h"
#include "base/cleanup.h"
#include "probe/stream/stream.h"
#include "proto/toy_test.h"

static const struct proto *const toys[] = { &toy };

static void toys_open(struct stream *s)
{
	stream_open(s);
	s->p.requests.protos = toys;
	s->p.requests.protos_n = 1;
}

struct log {
	struct sink sink;
	struct buf why;
};

static void log_open(struct log *l, struct stream *s, const char *where, const char *fields)
{
	struct sink_opts o = { .query = { .kinds = "request", .where = where }, .fields = fields };

	memset(l, 0, sizeof(*l));
	assert_int_equal(sink_make(&o, &l->sink, &l->why), 0);
	sink_start(&l->sink, &s->p);
}

static const char *log_text(struct log *l)
{
	buf_char(&l->sink.buf, 0);
	buf_reset(&l->sink.buf);
	return l->sink.buf.p;
}

static void log_close(struct log *l)
{
	sink_free(&l->sink);
	buf_free(&l->why);
}

/* Process @pid's end of a connection to or from 10.0.0.2:80. */
static void put(struct stream *s, uint32_t pid, uint8_t role, uint16_t flags, uint32_t pos,
		const char *text)
{
	struct rec_stream *r = (struct rec_stream *)&s->r;

	stream_header(s, REC_STREAM, sizeof(*r), pid);
	stream_text(s->r.hdr.comm, pid == 10 ? "curl" : "nginx", 15);
	r->sock = (struct rec_sock){ .local = { 10, 0, 0, role == 1 ? 1 : 2 },
				     .remote = { 10, 0, 0, role == 1 ? 2 : 1 },
				     .lport = role == 1 ? 4000 : 80,
				     .rport = role == 1 ? 80 : 4000,
				     .family = AF_INET,
				     .protocol = IPPROTO_TCP };
	r->id = pid;
	r->role = role;
	r->flags = flags | STREAM_OPENED;
	r->pos = pos;
	r->seen = (uint32_t)strlen(text);
	if (r->seen)
		r->data = stream_tail(s, text, r->seen);
	stream_put(s);
}

#define FIELDS                                                                               \
	"proc.name,proc.pid,req.side,req.protocol,req.method,req.status,req.ok,req.latency," \
	"req.request_bytes,req.response_bytes,fd.cip,fd.cport,fd.sip,fd.sport,fd.l4proto"

static void test_both_ends(void **state)
{
	struct stream s;
	struct log l, slow;

	(void)state;
	toys_open(&s);
	log_open(&l, &s, NULL, FIELDS);
	log_open(&slow, &s, "req.latency > 250ns and fd.sport=80 and req.ok=true", "proc.name");
	put(&s, 10, 1, STREAM_OUT, 0, "q1 one\n");
	put(&s, 20, 2, 0, 0, "q1 one\n");
	put(&s, 20, 2, STREAM_OUT, 0, "a1 OK\n");
	put(&s, 10, 1, 0, 0, "a1 OK\n");
	assert_string_equal(
		log_text(&l),
		"nginx\t20\tserver\ttoy\tone\tOK\ttrue\t100\t7\t6\t10.0.0.1\t4000\t10.0.0.2\t80\ttcp\n"
		"curl\t10\tclient\ttoy\tone\tOK\ttrue\t300\t7\t6\t10.0.0.1\t4000\t10.0.0.2\t80\ttcp\n");
	assert_string_equal(log_text(&slow), "curl\n");
	assert_int_equal(s.p.events, 2);
	assert_int_equal(s.p.decoded.bad + s.p.decoded.unknown, 0);
	log_close(&l);
	log_close(&slow);
	stream_close(&s);
}

/* One that nobody answers belongs to its process as that is now. */
static void test_unanswered(void **state)
{
	struct stream s;
	struct log l;

	(void)state;
	toys_open(&s);
	log_open(&l, &s, NULL, "proc.name,req.method,req.unanswered,req.latency,req.ok");
	stream_seen(&s, 10, 1, 0, "curl");
	put(&s, 10, 1, STREAM_OUT, 0, "q1 one\nq2 two\n");
	stream_exec(&s, 10, 1, "later");
	put(&s, 10, 1, STREAM_CLOSE, 0, "");
	assert_string_equal(log_text(&l), "later\tone\ttrue\t200\t-\n"
					  "later\ttwo\ttrue\t200\t-\n");
	put(&s, 20, 2, 0, 0, "q1 one\n");
	pipeline_end(&s.p);
	assert_string_equal(log_text(&l), "nginx\tone\ttrue\t0\t-\n");
	log_close(&l);
	stream_close(&s);
}

static void test_bad(void **state)
{
	struct stream s;
	struct rec_stream *r = (struct rec_stream *)&s.r;

	(void)state;
	toys_open(&s);
	stream_header(&s, REC_STREAM, sizeof(*r) - 1, 10);
	stream_put(&s);
	stream_header(&s, REC_STREAM, sizeof(*r), 10);
	r->seen = 100;
	r->data = (struct rec_str){ sizeof(*r), 100 }; /* past the end */
	stream_put(&s);
	stream_header(&s, REC_STREAM, sizeof(*r), 10);
	r->data = stream_tail(&s, "abc", 3); /* more captured than seen */
	stream_put(&s);
	assert_int_equal(s.p.decoded.bad, 3);
	assert_null(s.p.requests.streams);
	stream_close(&s);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* More requests in one record than the arena has room for their names. */
static void test_many(void **state)
{
	struct stream s;
	struct log l;
	char text[4096];
	static char *ids[5001];
	uint32_t pos = 0;
	size_t n = 0, nids = 0;
	char *all;

	(void)state;
	toys_open(&s);
	log_open(&l, &s, NULL, "req.id");
	n = (size_t)snprintf(text, sizeof(text), "q1 x\n");
	for (int i = 0; i < 500; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "n%d x\n", i);
	for (int i = 0; i < 10; i++) {
		put(&s, 20, 2, 0, pos, text);
		pos += (uint32_t)n;
	}
	assert_int_equal(s.p.events, 5000);
	assert_int_equal(s.p.arena.full, 0);
	/* All have ids of their own, though many ended at once. */
	all = strdup(log_text(&l));
	for (char *line = strtok(all, "\n"); line; line = strtok(NULL, "\n"))
		ids[nids++] = line;
	assert_int_equal(nids, 5000);
	qsort(ids, nids, sizeof(ids[0]), by_text);
	for (size_t i = 1; i < nids; i++)
		assert_string_not_equal(ids[i - 1], ids[i]);
	free(all);
	log_close(&l);
	stream_close(&s);
}

/* The same requests from a capture as they were live. */
static void test_capture(void **state)
{
	char path[] = "/tmp/porthole-requests-test-XXXXXX";
	_cleanup_(closep) int fd = mkstemp(path);
	struct buf live = { 0 };
	const struct rec_hdr *h;
	struct source *src;
	const char *why = "";
	struct stream s;
	struct log l;

	(void)state;
	assert_true(fd >= 0);
	toys_open(&s);
	log_open(&l, &s, "req.method=one", FIELDS ",req.id");
	assert_int_equal(capture_create(path, &s.p.host, &s.p.capture), 0);
	s.p.capture_of = &l.sink.subscription;
	put(&s, 20, 2, 0, 0, "q1 on");
	put(&s, 20, 2, 0, 5, "e\nq2 two\n");
	put(&s, 20, 2, STREAM_OUT, 0, "a2 OK\na1 OK\n");
	assert_int_equal(capture_end(take_ptr(s.p.capture), NULL), 0);
	assert_int_equal(s.p.captured, 3);
	buf_str(&live, str_of(log_text(&l)));
	log_close(&l);
	stream_close(&s);

	toys_open(&s);
	log_open(&l, &s, "req.method=one", FIELDS ",req.id");
	assert_int_equal(capture_open(path, &src, &why), 0);
	while (source_next(src, &h) > 0)
		pipeline_record(&s.p, h);
	source_close(src);
	buf_char(&live, 0);
	assert_string_equal(log_text(&l), live.p);
	assert_true(live.n > 20);
	unlink(path);
	buf_free(&live);
	log_close(&l);
	stream_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ends), cmocka_unit_test(test_unanswered),
		cmocka_unit_test(test_bad),	  cmocka_unit_test(test_many),
		cmocka_unit_test(test_capture),
	};

	return cmocka_run_group_tests_name("requests", tests, NULL, NULL);
}
