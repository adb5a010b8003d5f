/*
 * Hostile records through the whole pipeline: decode, enrich, every field, both output forms. The
 * input is a row of records as a capture holds them; a length that cannot be ends it, as the reader
 * of captures would end it.
 */
#include <stddef.h>

#include "agent/catalogue.h"
#include "agent/pipeline.h"
#include "base/cur.h"
#include "out/out.h"

#define RECORDS_MAX 200

struct shown {
	struct out *json, *text;
	struct buf buf;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void show(void *ctx, const struct event *ev)
{
	const struct catalogue *c = catalogue_get();
	struct shown *s = ctx;

	buf_reset(&s->buf);
	out_json_ops.event(s->json, ev, &s->buf);
	out_text_ops.event(s->text, ev, &s->buf);
	for (size_t i = 0; i < c->n; i++) {
		struct field_ref ref = { .field = c->fields[i], .index = 2 };
		struct value v;

		ref.has_index = c->fields[i]->flags & FIELD_INDEX;
		if (c->fields[i]->get(ev, &ref, 0, &v))
			value_json(&s->buf, &v);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char room[REC_MAX] __attribute__((aligned(8)));
	struct event_host host = { .name = STR("fuzz") };
	struct shown s = { 0 };
	struct subscription sub = { .kinds = KINDS_ALL, .event = show, .ctx = &s };
	struct cur c = cur_of(data, size);
	struct pipeline p;
	struct str bytes;

	if (pipeline_init(&p, &host) != 0 ||
	    out_json_ops.open(catalogue_get(), NULL, 0, &s.json) != 0 ||
	    out_text_ops.open(catalogue_get(), NULL, 0, &s.text) != 0)
		return 0;
	pipeline_subscribe(&p, &sub);
	for (int n = 0; n < RECORDS_MAX && cur_left(&c) >= sizeof(struct rec_hdr); n++) {
		struct rec_hdr h;

		memcpy(&h, c.p, sizeof(h));
		if (h.len < sizeof(h) || h.len > REC_MAX || !cur_str(&c, h.len, &bytes))
			break;
		memcpy(room, bytes.p, bytes.n);
		pipeline_record(&p, (const struct rec_hdr *)room);
		if (!cur_skip(&c, -h.len & 7))
			break;
	}
	out_json_ops.close(s.json);
	out_text_ops.close(s.text);
	buf_free(&s.buf);
	pipeline_free(&p);
	return 0;
}
