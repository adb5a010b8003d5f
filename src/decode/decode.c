/* The table of decoders by record type. */
#include "decode/decode.h"

#include <errno.h>

#include "probe/probe.h"
#include "wire/meta.h"

static int cgroup_seen_decode(const struct rec_hdr *h, struct arena *a, struct event *ret)
{
	const struct rec_cgroup_seen *r = (const void *)h;

	(void)a;
	if (h->len < sizeof(*r))
		return -EBADMSG;
	ret->life = (struct life){
		.op = LIFE_CGROUP,
		.cgroup = r->id,
		.path = rec_piece(r, h->len, r->path),
	};
	return 0;
}

static int blob_decode(const struct rec_hdr *h, struct event *ret, enum life_op op)
{
	const struct rec_blob *r = (const void *)h;

	if (h->len < sizeof(*r))
		return -EBADMSG;
	ret->life = (struct life){ .op = op, .blob = rec_piece(r, h->len, r->blob) };
	return 0;
}

static int kube_decode(const struct rec_hdr *h, struct arena *a, struct event *ret)
{
	(void)a;
	return blob_decode(h, ret, LIFE_KUBE);
}

static int container_decode(const struct rec_hdr *h, struct arena *a, struct event *ret)
{
	(void)a;
	return blob_decode(h, ret, LIFE_CONTAINER);
}

static int users_decode(const struct rec_hdr *h, struct arena *a, struct event *ret)
{
	(void)a;
	return blob_decode(h, ret, LIFE_USERS);
}

static struct probe_decoder decoders[REC_TYPE_COUNT] = {
	[REC_CGROUP_SEEN] = { .decode = cgroup_seen_decode },
	[REC_KUBE] = { .decode = kube_decode },
	[REC_CONTAINER] = { .decode = container_decode },
	[REC_USERS] = { .decode = users_decode },
};

__attribute__((constructor)) static void decoders_make(void)
{
	for (size_t i = 0; i < probes_n; i++)
		for (const struct probe_decoder *d = probes[i]->decoders; d->type != REC_NONE; d++)
			decoders[d->type] = *d;
}

int decode_record(const struct rec_hdr *h, const struct event_host *host, struct arena *a,
		  struct decode_stats *st, struct event *ret)
{
	if (h->type >= REC_TYPE_COUNT || !decoders[h->type].decode) {
		st->unknown++;
		return 0;
	}
	*ret = (struct event){ .hdr = h, .body = h, .host = host, .fd.num = -1 };
	ret->time.ns = h->time_ns;
	if (decoders[h->type].decode(h, a, ret) != 0) {
		st->bad++;
		return 0;
	}
	return 1;
}

bool decode_stack(const struct rec_hdr *h, size_t *ret_at, struct stack *ret)
{
	size_t at = 0;

	if (h->type < REC_TYPE_COUNT && decoders[h->type].stack_at)
		at = decoders[h->type].stack_at(h);
	if (at < sizeof(*h) || at % 8 || at > h->len ||
	    stack_read((const void *)((const char *)h + at), h->len - at, ret) != 0)
		return false;
	*ret_at = at;
	return true;
}
