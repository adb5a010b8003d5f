#pragma once
/*
 * For tests: profiles made of words. A frame is told as "name", "name|module", "name|module|file:line"
 * with marks before the name: k: kernel, j: JIT, p: interpreter, m: mark, i: inlined, u: no name.
 * The hostile profile has one frame of each kind and every name a form could stumble over.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "agg/profile.h"

static const struct profile_opts testing_opts = {
	.types = { { { "samples", 7 }, { "count", 5 } }, { { "cpu", 3 }, { "nanoseconds", 11 } } },
	.ntypes = 2,
	.period_type = { { "cpu", 3 }, { "nanoseconds", 11 } },
	.period = 10101010,
	.time_ns = 1700000000000000000,
	.duration_ns = 10000000000,
	.title = { "shop/cart, 10 s at 99 Hz", 24 },
};

static inline struct str testing_part(struct str *rest, char sep)
{
	const char *at = rest->n ? memchr(rest->p, sep, rest->n) : NULL;
	struct str part = { rest->p, at ? (size_t)(at - rest->p) : rest->n };

	*rest = at ? str_skip(*rest, part.n + 1) : STR_NONE;
	return part;
}

static inline uint32_t testing_frame(struct profile *p, struct str text, uint64_t address)
{
	struct frame f = { .kind = FRAME_NATIVE, .address = address };
	struct str place;
	uint32_t id;
	bool nameless = false;

	while (text.n > 2 && text.p[1] == ':') {
		char mark = text.p[0];

		f.kind = mark == 'k' ? FRAME_KERNEL :
			 mark == 'j' ? FRAME_JIT :
			 mark == 'p' ? FRAME_INTERP :
			 mark == 'm' ? FRAME_MARK :
				       f.kind;
		f.inlined |= mark == 'i';
		nameless |= mark == 'u';
		text = str_skip(text, 2);
	}
	f.function = testing_part(&text, '|');
	if (nameless)
		f.function = STR_NONE;
	f.module = testing_part(&text, '|');
	place = text;
	f.file = testing_part(&place, ':');
	for (size_t i = 0; i < place.n; i++)
		f.line = f.line * 10 + (uint32_t)(place.p[i] - '0');
	if (str_eq(f.module, STR("/usr/bin/cart")))
		f.build_id = STR("0123456789abcdef0123456789abcdef01234567");
	assert(profile_frame(p, &f, &id) == 0);
	return id;
}

/* @stack: frames root first, separated by '>'. Each frame's address is its place plus @address. */
static inline void testing_add(struct profile *p, uint32_t series, struct str stack,
			       uint64_t address, uint64_t n)
{
	uint64_t values[PROFILE_TYPES_MAX] = { n, n * 10101010 };
	uint32_t root_first[64], frames[64];
	size_t k = 0;

	while (stack.n && k < 64) {
		root_first[k] = testing_frame(p, testing_part(&stack, '>'), address + k);
		k++;
	}
	for (size_t i = 0; i < k; i++)
		frames[i] = root_first[k - 1 - i];
	assert(profile_add(p, series, frames, k, values) == 0);
}

static inline uint32_t testing_series(struct profile *p, const char *pod, const char *process,
				      const char *thread)
{
	struct profile_label l[] = { { STR("pod"), str_of(pod) },
				     { STR("process"), str_of(process) },
				     { STR("thread"), str_of(thread) } };
	uint32_t id;

	assert(profile_series(p, l, 3, &id) == 0);
	return id;
}

static inline struct profile *testing_plain(void)
{
	struct profile *p;
	uint32_t main_thread, worker;

	assert(profile_new(&testing_opts, &p) == 0);
	main_thread = testing_series(p, "shop/cart", "cart", "cart");
	worker = testing_series(p, "shop/cart", "cart", "worker 1");
	testing_add(p, main_thread,
		    STR("main|/usr/bin/cart|cart.c:10>parse|/usr/bin/cart|cart.c:40>"
			"i:skip_space|/usr/bin/cart|cart.h:7"),
		    0x1000, 30);
	testing_add(p, main_thread,
		    STR("main|/usr/bin/cart|cart.c:10>parse|/usr/bin/cart|cart.c:41"), 0x1000, 20);
	/* The same names at other addresses. */
	testing_add(p, main_thread,
		    STR("main|/usr/bin/cart|cart.c:11>parse|/usr/bin/cart|cart.c:41"), 0x2000, 10);
	testing_add(p, main_thread,
		    STR("main|/usr/bin/cart|cart.c:12>fib|/usr/bin/cart|cart.c:60>"
			"fib|/usr/bin/cart|cart.c:61>fib|/usr/bin/cart|cart.c:61"),
		    0x3000, 5);
	testing_add(p, worker,
		    STR("start_thread|/usr/lib/libc.so.6>run|/usr/bin/cart|cart.c:80>"
			"read|/usr/lib/libc.so.6>k:ksys_read|[kernel]>k:i:fdget|[kernel]"),
		    0x4000, 25);
	testing_add(p, worker,
		    STR("start_thread|/usr/lib/libc.so.6>p:app.py:handle||app.py:3>"
			"j:LazyCompile:~f|[jit]"),
		    0x5000, 9);
	testing_add(p, worker, STR("start_thread|/usr/lib/libc.so.6>u:x|/usr/lib/libssl.so.3"),
		    0x6000, 4);
	testing_add(p, worker, STR("start_thread|/usr/lib/libc.so.6>u:x"), 0x7000, 2);
	testing_add(p, worker, STR("m:[no unwind rows for this address]>run|/usr/bin/cart|cart.c:80"),
		    0x8000, 1);
	testing_add(p, PROFILE_SERIES_NONE, STR("k:do_idle|[kernel]"), 0x9000, 3);
	return p;
}

/* Each of these is a function, a module, a file and a label. */
static const struct str testing_hostile[] = {
	{ "a;b", 3 },
	{ "name 12", 7 },
	{ "line\nbreak\r\ttab", 14 },
	{ "\033]0;title\007\033[2J", 14 },
	{ "nul\0byte", 8 },
	{ "quote\"'`\\back", 13 },
	{ "</script><b>&amp;", 17 },
	{ "bad \xff\xc0\x80 utf8 \xed\xa0\x80", 16 },
	{ "\xe2\x80\xae"
	  "bidi",
	  7 },
	{ "\xc3\xbc\xe6\xbc\xa2 \xf0\x9f\x98\x80", 10 },
	{ " ", 1 },
	{ ";", 1 },
	{ "3.14", 4 },
	{ "_[k]", 4 },
};

static inline struct profile *testing_hostile_profile(void)
{
	struct profile *p;
	uint32_t frames[64];
	uint64_t values[PROFILE_TYPES_MAX] = { 1, 10101010 };
	size_t n = sizeof(testing_hostile) / sizeof(testing_hostile[0]);

	assert(profile_new(&testing_opts, &p) == 0);
	for (size_t i = 0; i < n; i++) {
		struct str s = testing_hostile[i];
		struct profile_label l[] = { { STR("pod"), s }, { s, s } };
		struct frame f = { .function = s,
				   .module = s,
				   .file = s,
				   .build_id = s,
				   .address = i,
				   .line = (uint32_t)i,
				   .kind = (enum frame_kind)(i % FRAME_KINDS),
				   .inlined = i % 3 == 2 };
		uint32_t series;

		assert(profile_series(p, l, 2, &series) == 0);
		assert(profile_frame(p, &f, &frames[i]) == 0);
		assert(profile_add(p, series, frames, i + 1, values) == 0);
	}
	assert(profile_add(p, PROFILE_SERIES_NONE, frames, n, values) == 0);
	assert(profile_add(p, PROFILE_SERIES_NONE, NULL, 0, values) == 0);
	values[0] = values[1] = UINT64_MAX;
	assert(profile_add(p, PROFILE_SERIES_NONE, frames, 1, values) == 0);
	assert(profile_add(p, PROFILE_SERIES_NONE, frames, 1, values) == 0);
	return p;
}
