/*
 * The splitter: one pass, byte by byte outside strings, runs inside them. `depth` counts open
 * brackets of the whole stream. In a LIST the document is depth 1, its "items" depth 2, so that
 * objects open at depth 2; in a STREAM they open at depth 0. `target` says where bytes go at the
 * moment; a run of bytes is copied when the target changes or the chunk ends.
 */
#include "kube/split.h"

#include <errno.h>

#define KEEP_BYTES   (256u << 10) /* an object buffer above this is given back after use */
#define ENVELOPE_MAX (64u << 10)
#define SKIP_FACTOR  32u
#define DEPTH_MAX    (1u << 20)

enum {
	TO_NOBODY,
	TO_ENVELOPE,
	TO_OBJECT
};

void kube_split_reset(struct kube_split *s, enum kube_split_mode mode)
{
	s->mode = (uint8_t)mode;
	s->target = TO_NOBODY;
	s->key_n = 0;
	s->in_string = s->escaped = s->in_items = s->ended = s->bad = s->rejected = false;
	s->depth = s->tokens = 0;
	s->arrays = 0;
	s->skipped = 0;
	buf_reset(&s->object);
	buf_reset(&s->envelope);
}

void kube_split_free(struct kube_split *s)
{
	buf_free(&s->object);
	buf_free(&s->envelope);
}

static int copy_run(struct kube_split *s, const char *from, const char *to)
{
	size_t n = (size_t)(to - from);

	if (s->target == TO_ENVELOPE) {
		if (n > ENVELOPE_MAX - s->envelope.n)
			return -EBADMSG;
		buf_add(&s->envelope, from, n);
		return s->envelope.failed ? -ENOMEM : 0;
	}
	if (s->target != TO_OBJECT)
		return 0;
	if (n > s->max_bytes - s->object.n)
		s->rejected = true;
	if (!s->rejected) {
		buf_add(&s->object, from, n);
		s->rejected = s->object.failed;
	}
	if (s->rejected) {
		s->skipped += n;
		if (s->skipped > SKIP_FACTOR * s->max_bytes)
			return -EBADMSG;
	}
	return 0;
}

/* Where objects stand: between them only white space, commas and brackets are allowed. */
static bool between_objects(const struct kube_split *s)
{
	return s->mode == KUBE_SPLIT_STREAM ? s->depth == 0 : s->in_items && s->depth == 2;
}

static int split_emit(struct kube_split *s, enum kube_split_what what, struct buf *b)
{
	int r = s->fn(s->ctx, what, what == KUBE_SPLIT_REJECTED ? STR_NONE : buf_slice(b));

	if (b->cap > KEEP_BYTES)
		buf_free(b);
	buf_reset(b);
	return r;
}

static bool key_is_items(const struct kube_split *s)
{
	return s->key_n == 5 && memcmp(s->key, "items", 5) == 0;
}

/* An opening bracket at @at; the run starts at *run. */
static int split_open(struct kube_split *s, const char *at, const char **run)
{
	bool array = *at == '[';

	if (between_objects(s) || s->depth == 0) {
		if (array || s->ended)
			return -EBADMSG;
		s->target = between_objects(s) ? TO_OBJECT : TO_ENVELOPE;
		s->rejected = false;
		s->tokens = 0;
		s->skipped = 0;
		*run = at;
	}
	if (s->depth >= KUBE_SPLIT_DEPTH) {
		if (s->target != TO_OBJECT || s->depth >= DEPTH_MAX)
			return -EBADMSG;
		s->rejected = true;
	} else if (array) {
		s->arrays |= 1ull << s->depth;
	} else {
		s->arrays &= ~(1ull << s->depth);
	}
	s->depth++;
	if (s->mode == KUBE_SPLIT_LIST && s->depth == 2 && array && key_is_items(s)) {
		int r = copy_run(s, *run, at + 1);

		s->in_items = true;
		s->target = TO_NOBODY;
		return r;
	}
	return 0;
}

static int object_done(struct kube_split *s)
{
	bool rejected = s->rejected;

	s->target = TO_NOBODY;
	s->rejected = false;
	s->tokens = 0;
	return split_emit(s, rejected ? KUBE_SPLIT_REJECTED : KUBE_SPLIT_OBJECT, &s->object);
}

static int split_close(struct kube_split *s, const char *at, const char **run)
{
	bool array = *at == ']';
	int r;

	if (s->depth == 0)
		return -EBADMSG;
	if (between_objects(s)) {
		s->in_items = false;
		s->target = TO_ENVELOPE;
		*run = at;
	}
	s->depth--;
	if (s->depth < KUBE_SPLIT_DEPTH && array != ((s->arrays >> s->depth) & 1))
		return -EBADMSG;
	if (s->target == TO_OBJECT && between_objects(s)) {
		r = copy_run(s, *run, at + 1);
		return r ? r : object_done(s);
	}
	if (s->depth == 0) {
		r = copy_run(s, *run, at + 1);
		s->target = TO_NOBODY;
		s->ended = true;
		return r ? r : split_emit(s, KUBE_SPLIT_ENVELOPE, &s->envelope);
	}
	return 0;
}

/* Inside a string, from *at on: moves *at to its closing quote, or to @end. */
static void string_run(struct kube_split *s, const char **at, const char *end)
{
	const char *p = *at;

	for (; p < end; p++) {
		if (s->escaped)
			s->escaped = false;
		else if (*p == '\\')
			s->escaped = true;
		else if (*p == '"')
			break;
		if (s->depth == 1 && s->key_n < sizeof(s->key))
			s->key[s->key_n++] = *p;
	}
	*at = p;
}

/* One byte outside strings. */
static int split_byte(struct kube_split *s, const char *at, const char **run)
{
	switch (*at) {
	case ' ':
	case '\t':
	case '\r':
	case '\n':
		return 0;
	case '{':
	case '[':
		s->tokens++;
		return split_open(s, at, run);
	case '}':
	case ']':
		return split_close(s, at, run);
	case ',':
	case ':':
		s->tokens++;
		if (*at == ',' && s->depth == 1)
			s->key_n = 0;
		return s->target == TO_NOBODY && (*at == ':' || !s->in_items) ? -EBADMSG : 0;
	case '"':
		s->in_string = true;
		if (s->depth == 1)
			s->key_n = 0;
		break;
	default:
		break;
	}
	return s->target == TO_NOBODY ? -EBADMSG : 0;
}

static int split_chunk(struct kube_split *s, const char *p, const char *end)
{
	const char *run = p;
	int r;

	for (; p < end; p++) {
		if (s->in_string) {
			string_run(s, &p, end);
			if (p == end)
				break;
			s->in_string = false;
			continue;
		}
		r = split_byte(s, p, &run);
		if (r)
			return r;
		if (s->tokens > s->max_tokens) {
			if (s->target == TO_ENVELOPE)
				return -EBADMSG;
			s->rejected = s->target == TO_OBJECT;
		}
	}
	return copy_run(s, run, end);
}

int kube_split_feed(struct kube_split *s, struct str bytes)
{
	int r;

	if (s->bad)
		return -EBADMSG;
	if (!bytes.n)
		return 0;
	r = split_chunk(s, bytes.p, bytes.p + bytes.n);
	s->bad = r != 0;
	return r;
}

int kube_split_end(const struct kube_split *s)
{
	bool whole = s->mode == KUBE_SPLIT_STREAM ? s->depth == 0 : s->ended;

	return whole && !s->bad ? 0 : -EBADMSG;
}
