/*
 * HPACK: the examples of RFC 7541, appendix C; header lists that nghttp2's deflater wrote, followed from their begin
 * and joined at every later block; blocks that are wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the ones above first */
#include <cmocka.h>

#include <nghttp2/nghttp2.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/guard_test.h"
#include "proto/http2/hpack.h"

static void print_field(void *ctx, struct str name, struct str value)
{
	buf_printf(ctx, "%.*s=%.*s\n", STR_ARG(name.p ? name : STR("?")),
		   STR_ARG(value.p ? value : STR("?")));
}

static size_t unhex(const char *hex, uint8_t *ret)
{
	size_t n = 0;

	for (; *hex; hex += hex[2] == ' ' ? 3 : 2) {
		char two[3] = { hex[0], hex[1], 0 };

		ret[n++] = (uint8_t)strtoul(two, NULL, 16);
	}
	return n;
}

/* --- RFC 7541 --- */

#define C_3_1 ":method=GET\n:scheme=http\n:path=/\n:authority=www.example.com\n"
#define C_3_2 C_3_1 "cache-control=no-cache\n"
#define C_3_3                                                                                    \
	":method=GET\n:scheme=https\n:path=/index.html\n:authority=www.example.com\ncustom-key=" \
	"custom-value\n"
#define C_5_1                                                                      \
	":status=302\ncache-control=private\ndate=Mon, 21 Oct 2013 20:13:21 GMT\n" \
	"location=https://www.example.com\n"
#define C_5_2                                                                      \
	":status=307\ncache-control=private\ndate=Mon, 21 Oct 2013 20:13:21 GMT\n" \
	"location=https://www.example.com\n"
#define C_5_3                                                                      \
	":status=200\ncache-control=private\ndate=Mon, 21 Oct 2013 20:13:22 GMT\n" \
	"location=https://www.example.com\ncontent-encoding=gzip\n"                \
	"set-cookie=foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1\n"

struct example {
	const char *what;
	uint32_t max; /* of the table */
	struct {
		const char *hex, *fields;
		uint32_t size, entries; /* of the table afterwards */
	} block[3];
};

/* clang-format off */
static const struct example examples[] = {
	{ "C.2.1", 4096, { { "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
		"custom-key=custom-header\n", 55, 1 } } },
	{ "C.2.2", 4096, { { "040c 2f73 616d 706c 652f 7061 7468", ":path=/sample/path\n", 0, 0 } } },
	{ "C.2.3", 4096, { { "1008 7061 7373 776f 7264 0673 6563 7265 74", "password=secret\n", 0, 0 } } },
	{ "C.2.4", 4096, { { "82", ":method=GET\n", 0, 0 } } },
	{ "C.3", 4096, {
		{ "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", C_3_1, 57, 1 },
		{ "8286 84be 5808 6e6f 2d63 6163 6865", C_3_2, 110, 2 },
		{ "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65", C_3_3, 164, 3 } } },
	{ "C.4", 4096, {
		{ "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", C_3_1, 57, 1 },
		{ "8286 84be 5886 a8eb 1064 9cbf", C_3_2, 110, 2 },
		{ "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf", C_3_3, 164, 3 } } },
	{ "C.5", 256, {
		{ "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 "
		  "3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", C_5_1, 222, 4 },
		{ "4803 3330 37c1 c0bf", C_5_2, 222, 4 },
		{ "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 "
		  "7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 "
		  "6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31", C_5_3, 215, 3 } } },
	{ "C.6", 256, {
		{ "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad "
		  "1718 63c7 8f0b 97c8 e9ae 82ae 43d3", C_5_1, 222, 4 },
		{ "4883 640e ffc1 c0bf", C_5_2, 222, 4 },
		{ "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 "
		  "e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
		  C_5_3, 215, 3 } } },
};
/* clang-format on */

static void test_rfc(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++) {
		struct hpack h = { .max_set = true, .max = examples[i].max };

		hpack_known(&h);
		for (size_t k = 0; k < 3 && examples[i].block[k].hex; k++) {
			_cleanup_(buf_free) struct buf b = { 0 };
			const struct hpack_sink sink = { .field = print_field, .ctx = &b };
			uint8_t bytes[256];
			size_t n = unhex(examples[i].block[k].hex, bytes);

			assert_null(hpack_read(&h, (struct str){ (char *)bytes, n }, &sink));
			if (!str_eq(buf_slice(&b), str_of(examples[i].block[k].fields)))
				fail_msg("%s: %.*s", examples[i].what, STR_ARG(buf_slice(&b)));
			assert_int_equal(h.size, examples[i].block[k].size);
			assert_int_equal(h.n, examples[i].block[k].entries);
		}
	}
}

/* --- nghttp2 --- */

#define BLOCKS 24
#define FIELDS 12

struct written {
	uint8_t bytes[16384];
	size_t n, fields;
	struct {
		char name[32], value[2000];
	} field[FIELDS];
};

static uint32_t roll(uint32_t *seed, uint32_t n)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % n;
}

/* Names and values that come again, so that the table is used; some long, some with all bytes. */
static void block_make(struct written *w, uint32_t *seed)
{
	static const char *const names[] = { ":path", "user-agent", "cookie",
					     "x-a",   "x-b",	    ":status",
					     "date",  "via",	    "x-long-name-of-a-field" };

	w->fields = 1 + roll(seed, FIELDS);
	for (size_t i = 0; i < w->fields; i++) {
		bool odd = roll(seed, 8) == 0;
		size_t n = roll(seed, 40) == 0 ? roll(seed, 1900) : roll(seed, odd ? 60 : 6);

		snprintf(w->field[i].name, sizeof(w->field[i].name), "%s", names[roll(seed, 9)]);
		for (size_t k = 0; k < n; k++)
			w->field[i].value[k] =
				(char)(odd ? 1 + roll(seed, 255) : 'a' + roll(seed, 3));
		w->field[i].value[n] = 0;
	}
}

static void block_write(struct written *w, nghttp2_hd_deflater *d, uint32_t *seed)
{
	nghttp2_nv nv[FIELDS];
	ssize_t n;

	for (size_t i = 0; i < w->fields; i++)
		nv[i] = (nghttp2_nv){ (uint8_t *)w->field[i].name, (uint8_t *)w->field[i].value,
				      strlen(w->field[i].name), strlen(w->field[i].value),
				      roll(seed, 10) ? 0 : NGHTTP2_NV_FLAG_NO_INDEX };
	n = nghttp2_hd_deflate_hd(d, w->bytes, sizeof(w->bytes), nv, w->fields);
	assert_true(n > 0);
	w->n = (size_t)n;
}

struct compare {
	const struct written *w;
	size_t at, unknown;
};

/* Right or unknown. */
static void compare_field(void *ctx, struct str name, struct str value)
{
	struct compare *c = ctx;

	assert_true(c->at < c->w->fields);
	if (name.p)
		assert_true(str_eq(name, str_of(c->w->field[c->at].name)));
	if (value.p)
		assert_true(str_eq(value, str_of(c->w->field[c->at].value)));
	c->unknown += !name.p || !value.p;
	c->at++;
}

static size_t follow(struct hpack *h, const struct written *w)
{
	struct compare c = { .w = w };
	const char *wrong = hpack_read(h, (struct str){ (const char *)w->bytes, w->n },
				       &(struct hpack_sink){ .field = compare_field, .ctx = &c });

	if (wrong)
		fail_msg("%s", wrong);
	assert_int_equal(c.at, w->fields);
	return c.unknown;
}

/* Fields that those who came late saw, and how many of them were unknown. */
struct learnt {
	size_t all, late;
};

/* One conversation, followed from each of its blocks on; a block in the middle may be lost. */
static struct learnt conversation(struct written *w, uint32_t seed, uint32_t table)
{
	struct hpack h = { 0 };
	nghttp2_hd_deflater *d;
	struct learnt l = { 0, 0 };

	assert_int_equal(nghttp2_hd_deflate_new(&d, table > 4096 ? table : 4096), 0);
	assert_int_equal(nghttp2_hd_deflate_change_table_size(d, table), 0);
	for (size_t i = 0; i < BLOCKS; i++) {
		if (roll(&seed, 12) == 0)
			nghttp2_hd_deflate_change_table_size(d, roll(&seed, table + 1));
		block_make(&w[i], &seed);
		block_write(&w[i], d, &seed);
	}
	nghttp2_hd_deflate_del(d);

	hpack_known(&h);
	h.allowed = table;
	for (size_t i = 0; i < BLOCKS; i++) {
		size_t unknown = follow(&h, &w[i]);

		/* All the texts of such a table are kept. */
		if (table <= HPACK_TEXT)
			assert_int_equal(unknown, 0);
	}
	for (size_t from = 1; from < BLOCKS; from++) {
		h = (struct hpack){ 0 };
		for (size_t i = from; i < BLOCKS; i++) {
			l.late += follow(&h, &w[i]);
			l.all += w[i].fields;
		}
	}
	hpack_known(&h);
	h.allowed = table;
	for (size_t i = 0; i < BLOCKS; i++) {
		if (i == BLOCKS / 2)
			hpack_lost(&h);
		else
			follow(&h, &w[i]);
	}
	return l;
}

static void test_deflater(void **state)
{
	static const uint32_t tables[] = { 0, 64, 256, 2048, 4096, 65536 };
	_cleanup_(freep) struct written *w = calloc(BLOCKS, sizeof(*w));
	struct learnt sum = { 0, 0 };

	(void)state;
	assert_non_null(w);
	for (uint32_t seed = 1; seed <= 120; seed++) {
		struct learnt l = conversation(w, seed * 7919, tables[seed % 6]);

		/* Something was learnt along the way: of each (at most 45 % were unknown), and of all (12.6 %). */
		assert_true(l.late * 2 < l.all);
		sum.late += l.late;
		sum.all += l.all;
	}
	assert_true(sum.late * 7 < sum.all);
}

/* --- wrong --- */

static const struct wrong {
	const char *hex, *reason;
} wrongs[] = {
	{ "80", "hpack-index" },
	{ "be", "hpack-index" },
	{ "ff80 01", "hpack-index" },
	{ "7e01 61", "hpack-index" },
	{ "0f30 0161", "hpack-index" },
	{ "ff", "hpack-short" },
	{ "ff80 8080", "hpack-short" },
	{ "ff80 8080 8001", "hpack-integer" },
	{ "ffff ffff ffff 7f", "hpack-integer" },
	{ "3fff ffff ffff ff", "hpack-integer" },
	{ "40", "hpack-short" },
	{ "4001", "hpack-string" },
	{ "4001 61", "hpack-short" },
	{ "4001 6105 6162", "hpack-string" },
	{ "407f ffff ffff 0f", "hpack-integer" },
	{ "4081 fe01 61", "hpack-huffman" },
	{ "4082 ffff 0161", "hpack-huffman" },
	{ "4084 ffff ffff 0161", "hpack-huffman" },
	{ "4081 0001 61", "hpack-huffman" },
	{ "823f e11f", "hpack-table-size" },
	{ "3fff ff7f", "hpack-table-size" },
	{ "3fe2 1f", "hpack-table-size" },
	{ "203f e11f 8280", "hpack-index" },
};

static const char *const rights[] = {
	"82",	     "4001 6101 62", "4001 6100",    "4000 0161",    "4081 1f01 61", "0001 6101 62",
	"3fe1 1f82", "2082",	     "203f e11f 82", "1001 6101 62", "4181 1f",	     "",
	"bd",	     "8f8f 8f",
};

static void no_field(void *ctx, struct str name, struct str value)
{
	(void)name;
	*(size_t *)ctx += value.n;
}

static void test_wrong(void **state)
{
	struct guard g = guard_make();
	size_t sum = 0;
	const struct hpack_sink count = { .field = no_field, .ctx = &sum };
	uint8_t bytes[64];

	(void)state;
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(*wrongs); i++) {
		struct hpack h = { 0 };
		size_t n = unhex(wrongs[i].hex, bytes);
		const char *why;

		hpack_known(&h);
		why = hpack_read(&h, (struct str){ (const char *)guard_put(&g, bytes, n), n },
				 &count);
		if (!why || strcmp(why, wrongs[i].reason) != 0)
			fail_msg("%s: %s", wrongs[i].hex, why ? why : "taken");
		assert_false(h.complete);
	}
	for (size_t i = 0; i < sizeof(rights) / sizeof(*rights); i++) {
		struct hpack h = { 0 };
		size_t n = unhex(rights[i], bytes);

		hpack_known(&h);
		for (size_t cut = 0; cut <= n; cut++) {
			struct hpack copy = h;
			const char *p = (const char *)guard_put(&g, bytes, cut), *why;

			why = hpack_read(&copy, (struct str){ p, cut }, &count);
			if (why && cut == n)
				fail_msg("%s: %s", rights[i], why);
		}
	}
	guard_free(&g);
}

/* An entry of 1,900 bytes, named again and again: a byte each. */
static void test_bomb(void **state)
{
	static char block[4096];
	struct hpack h = { 0 };
	size_t sum = 0, n = 0;
	const struct hpack_sink count = { .field = no_field, .ctx = &sum };

	(void)state;
	hpack_known(&h);
	n = unhex("4001 617f ed0d", (uint8_t *)block); /* 127 + 0x6d + 13 * 128 = 1900 */
	memset(block + n, 'b', 1900);
	memset(block + n + 1900, 0xbe, 1000);
	assert_string_equal(hpack_read(&h, (struct str){ block, n + 1900 + 1000 }, &count),
			    "header-list");
	assert_true(sum <= HPACK_LIST_MAX);
	/* The next block has nothing to refer to, and goes on. */
	sum = 0;
	assert_null(hpack_read(&h, STR("\xbe\x82"), &count));
	assert_int_equal(sum, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rfc),
		cmocka_unit_test(test_deflater),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_bomb),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
