/*
 * pprof's profile.proto, compressed by gzip: https://github.com/google/pprof/blob/main/proto/profile.proto
 *
 * What readers ask for beyond the schema: ids 1..n in order (Parca), string_table[0] empty, as many
 * values in each sample as there are types, valid UTF-8, values that fit int64. Addresses are ELF
 * virtual addresses of their file, so mappings have no start, limit or offset (Parca: normalized).
 * has_* of a mapping is true when all its locations have the thing: whoever reads may then leave
 * symbols alone. Labels of the series become labels, and root frames where asked for; a sample that is
 * zero in all types is left out. Tables are numbered while samples are written, and follow them.
 */
#include <errno.h>
#include <zlib.h>

#include "agg/pprof_fields.h"
#include "base/cleanup.h"
#include "base/protobuf.h"
#include "out/pprof/tables.h"
#include "out/profile_out.h"

#define FLUSH_BYTES (64u << 10)

struct writer {
	const struct profile *p;
	const struct profile_out_opts *o;
	struct pprof_tables t;
	z_stream z;
	bool z_open;
	struct buf *out;
	struct buf raw;		     /* of the profile, waiting for compression */
	struct buf msg, sub, packed; /* a message, one inside it, its packed numbers */
	struct buf labels;	     /* of all series, as fields of a sample */
	size_t *labels_end;	     /* by series */
	uint32_t *roots;	     /* locations: nroots for each series; 0: not made yet */
};

static void writer_free(struct writer *w)
{
	pprof_tables_free(&w->t);
	if (w->z_open)
		deflateEnd(&w->z);
	buf_free(&w->raw);
	buf_free(&w->msg);
	buf_free(&w->sub);
	buf_free(&w->packed);
	buf_free(&w->labels);
	free(w->labels_end);
	free(w->roots);
}

/* Compresses what is in raw; with @end, finishes. */
static int raw_flush(struct writer *w, bool end)
{
	int did = Z_OK;

	if (w->raw.failed)
		return -ENOMEM;
	w->z.next_in = (Bytef *)w->raw.p;
	w->z.avail_in = (uInt)w->raw.n;
	do {
		char *to = buf_grow(w->out, FLUSH_BYTES / 4);

		if (!to)
			return -EFBIG;
		w->z.next_out = (Bytef *)to;
		w->z.avail_out = FLUSH_BYTES / 4;
		did = deflate(&w->z, end ? Z_FINISH : Z_NO_FLUSH);
		w->out->n += FLUSH_BYTES / 4 - w->z.avail_out;
	} while (did == Z_OK && !w->z.avail_out);
	buf_reset(&w->raw);
	return did == Z_STREAM_ERROR || (end && did != Z_STREAM_END) ? -EIO : 0;
}

/* Puts the message @m into the profile as @field. */
static int field_put(struct writer *w, uint32_t field, struct buf *m)
{
	if (m->failed)
		return -ENOMEM;
	pb_bytes_always(&w->raw, field, buf_slice(m));
	buf_reset(m);
	return w->raw.n < FLUSH_BYTES ? 0 : raw_flush(w, false);
}

static int value_type_put(struct writer *w, uint32_t field, const struct profile_type *v)
{
	uint32_t type, unit;
	int err = pprof_string(&w->t, v->type, &type);

	if (!err)
		err = pprof_string(&w->t, v->unit, &unit);
	if (err)
		return err;
	pb_uint(&w->msg, VALUE_TYPE, type);
	pb_uint(&w->msg, VALUE_UNIT, unit);
	return field_put(w, field, &w->msg);
}

static int labels_make(struct writer *w, uint32_t series)
{
	size_t n;
	const struct profile_label *l = profile_series_labels(w->p, series, &n);
	int err = 0;

	for (size_t i = 0; !err && i < n; i++) {
		uint32_t key, value;

		err = pprof_string(&w->t, l[i].key, &key);
		if (!err)
			err = pprof_string(&w->t, l[i].value, &value);
		if (err)
			return err;
		buf_reset(&w->sub);
		pb_uint(&w->sub, LABEL_KEY, key);
		pb_uint(&w->sub, LABEL_STR, value);
		pb_bytes_always(&w->labels, SAMPLE_LABEL, buf_slice(&w->sub));
	}
	w->labels_end[series] = w->labels.n;
	return w->labels.failed ? -ENOMEM : 0;
}

static int series_make(struct writer *w)
{
	size_t n = profile_series_count(w->p);
	int err = 0;

	w->labels_end = calloc(n, sizeof(*w->labels_end));
	w->roots = calloc(n * w->o->view.nroots + 1, sizeof(*w->roots));
	if (!w->labels_end || !w->roots)
		return -ENOMEM;
	for (size_t i = 0; !err && i < n; i++)
		err = labels_make(w, (uint32_t)i);
	return err;
}

/* Root frames of labels: innermost first, as locations go. */
static int roots_put(struct writer *w, uint32_t series)
{
	size_t n = w->o->view.nroots;
	int err = 0;

	for (size_t i = n; !err && i--;) {
		uint32_t *at = &w->roots[series * n + i];
		struct str value = profile_series_label(w->p, series, w->o->view.roots[i]);
		char text[128];

		if (!value.n) {
			struct str key = w->o->view.roots[i];

			value.n = (size_t)snprintf(text, sizeof(text), "[no %.*s]",
						   key.n < 100 ? (int)key.n : 100, key.p);
			value.p = text;
		}
		if (!*at)
			err = pprof_location_label(&w->t, value, at);
		pb_varint(&w->packed, *at);
	}
	return err;
}

/* The stack's locations, leaf first: inlined frames go together with the one they stand in. */
static int stack_put(struct writer *w, const struct profile_node *nodes, const struct frame *frames,
		     uint32_t node)
{
	uint32_t group[PROFILE_DEPTH_MAX + 1], id;
	size_t n = 0;
	int err = 0;

	for (; !err && node; node = nodes[node].parent) {
		group[n++] = nodes[node].frame;
		if (frames[nodes[node].frame].inlined && nodes[node].parent)
			continue;
		err = pprof_location(&w->t, group, n, &id);
		if (!err)
			pb_varint(&w->packed, id);
		n = 0;
	}
	return err;
}

static int sample_put(struct writer *w, const struct profile_sample *s,
		      const struct profile_node *nodes, const struct frame *frames)
{
	size_t ntypes = profile_opts(w->p)->ntypes;
	size_t from = s->series ? w->labels_end[s->series - 1] : 0;
	uint64_t any = 0;
	int err;

	for (size_t i = 0; i < ntypes; i++)
		any |= s->value[i];
	if (!any)
		return 0;
	buf_reset(&w->packed);
	err = stack_put(w, nodes, frames, s->node);
	if (!err)
		err = roots_put(w, s->series);
	if (err)
		return err;
	if (w->packed.failed)
		return -ENOMEM;
	pb_bytes(&w->msg, SAMPLE_LOCATION_ID, buf_slice(&w->packed));
	buf_reset(&w->packed);
	for (size_t i = 0; i < ntypes; i++)
		pb_varint(&w->packed, s->value[i] > INT64_MAX ? INT64_MAX : s->value[i]);
	pb_bytes(&w->msg, SAMPLE_VALUE, buf_slice(&w->packed));
	buf_add(&w->msg, w->labels.p + from, w->labels_end[s->series] - from);
	return field_put(w, PROFILE_SAMPLE, &w->msg);
}

static int samples_put(struct writer *w)
{
	size_t n, unused;
	const struct profile_sample *s = profile_samples(w->p, &n);
	const struct profile_node *nodes = profile_nodes(w->p, &unused);
	const struct frame *frames = profile_frames(w->p, &unused);
	int err = 0;

	for (size_t i = 0; !err && i < n; i++)
		err = sample_put(w, &s[i], nodes, frames);
	return err;
}

static int mappings_put(struct writer *w)
{
	int err = 0;

	for (size_t i = 0; !err && i < w->t.nmappings; i++) {
		const struct pprof_mapping *m = &w->t.mappings[i];

		pb_uint(&w->msg, MAPPING_ID, i + 1);
		pb_uint(&w->msg, MAPPING_FILENAME, m->file);
		pb_uint(&w->msg, MAPPING_BUILD_ID, m->build_id);
		pb_uint(&w->msg, MAPPING_HAS_FUNCTIONS, !m->no_function);
		pb_uint(&w->msg, MAPPING_HAS_FILENAMES, !m->no_file);
		pb_uint(&w->msg, MAPPING_HAS_LINE_NUMBERS, !m->no_line);
		pb_uint(&w->msg, MAPPING_HAS_INLINE_FRAMES, m->inlined);
		err = field_put(w, PROFILE_MAPPING, &w->msg);
	}
	return err;
}

static int locations_put(struct writer *w)
{
	int err = 0;

	for (size_t i = 0; !err && i < w->t.nlocations; i++) {
		const struct pprof_location *l = &w->t.locations[i];

		pb_uint(&w->msg, LOCATION_ID, i + 1);
		pb_uint(&w->msg, LOCATION_MAPPING_ID, l->mapping);
		pb_uint(&w->msg, LOCATION_ADDRESS, l->address);
		for (size_t k = 0; k < l->n; k++) {
			buf_reset(&w->sub);
			pb_uint(&w->sub, LINE_FUNCTION_ID, w->t.lines[l->first + k].function);
			pb_uint(&w->sub, LINE_LINE, w->t.lines[l->first + k].line);
			pb_bytes_always(&w->msg, LOCATION_LINE, buf_slice(&w->sub));
		}
		err = field_put(w, PROFILE_LOCATION, &w->msg);
	}
	return err;
}

static int functions_put(struct writer *w)
{
	int err = 0;

	for (size_t i = 0; !err && i < w->t.nfunctions; i++) {
		const struct pprof_function *f = &w->t.functions[i];

		pb_uint(&w->msg, FUNCTION_ID, i + 1);
		pb_uint(&w->msg, FUNCTION_NAME, f->name);
		pb_uint(&w->msg, FUNCTION_SYSTEM_NAME, f->system_name);
		pb_uint(&w->msg, FUNCTION_FILENAME, f->file);
		err = field_put(w, PROFILE_FUNCTION, &w->msg);
	}
	return err;
}

static int strings_put(struct writer *w)
{
	int err = 0;

	for (size_t i = 0; !err && i < w->t.strings.n; i++) {
		buf_str(&w->msg, intern_get(&w->t.strings, (uint32_t)i));
		err = field_put(w, PROFILE_STRING_TABLE, &w->msg);
	}
	return err;
}

/* What a person reading it later should know: the title, and what was left out. */
static int comments_put(struct writer *w)
{
	const struct profile_opts *po = profile_opts(w->p);
	struct profile_stats stats = profile_stats(w->p);
	uint32_t id = 0;
	char text[96];
	int n, err = pprof_string(&w->t, po->title, &id);

	pb_uint(&w->raw, PROFILE_COMMENT, id);
	if (err || !stats.folded)
		return err;
	n = snprintf(text, sizeof(text), "too many different stacks: %llu not kept apart",
		     (unsigned long long)stats.folded);
	err = pprof_string(&w->t, (struct str){ text, (size_t)n }, &id);
	if (!err)
		pb_uint(&w->raw, PROFILE_COMMENT, id);
	return err;
}

static int about_put(struct writer *w)
{
	const struct profile_opts *po = profile_opts(w->p);
	uint32_t id;
	int err = 0;

	pb_int(&w->raw, PROFILE_TIME_NANOS, po->time_ns);
	pb_uint(&w->raw, PROFILE_DURATION_NANOS, po->duration_ns & INT64_MAX);
	if (po->period_type.type.n)
		err = value_type_put(w, PROFILE_PERIOD_TYPE, &po->period_type);
	pb_uint(&w->raw, PROFILE_PERIOD, po->period & INT64_MAX);
	if (!err)
		err = comments_put(w);
	if (!err)
		err = pprof_string(&w->t, po->types[w->o->view.type].type, &id);
	if (!err)
		pb_uint(&w->raw, PROFILE_DEFAULT_SAMPLE_TYPE, id);
	return err;
}

static int all_put(struct writer *w)
{
	static int (*const parts[])(struct writer *w) = {
		series_make,   samples_put,   about_put,   mappings_put,
		locations_put, functions_put, strings_put,
	};
	const struct profile_opts *po = profile_opts(w->p);
	int err = 0;

	for (size_t i = 0; !err && i < po->ntypes; i++)
		err = value_type_put(w, PROFILE_SAMPLE_TYPE, &po->types[i]);
	for (size_t i = 0; !err && i < sizeof(parts) / sizeof(parts[0]); i++)
		err = parts[i](w);
	return err ? err : raw_flush(w, true);
}

static int pprof_render(const struct profile *p, const struct profile_out_opts *o, struct buf *b)
{
	_cleanup_(writer_free) struct writer w = { .p = p, .o = o, .out = b };
	int err;

	if (o->view.type >= profile_opts(p)->ntypes || o->view.nroots > PROFILE_LABELS_MAX)
		return -EINVAL;
	err = pprof_tables_init(&w.t, p);
	if (err)
		return err;
	/* 15 bits of window, + 16: with gzip's header, whose time stays 0. */
	if (deflateInit2(&w.z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) !=
	    Z_OK)
		return -ENOMEM;
	w.z_open = true;
	return all_put(&w);
}

const struct profile_out_ops profile_out_pprof = {
	.name = "pprof",
	.content_type = "application/octet-stream",
	.suffix = ".pb.gz",
	.help = "profile.proto for go tool pprof, Parca, Pyroscope",
	.binary = true,
	.render = pprof_render,
};
