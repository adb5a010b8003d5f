/* A buffer of items one after the other. */
#include "out/otlp/queue.h"

#include "base/cleanup.h"
#include "base/protobuf.h"
#include "out/otlp/encode.h"

struct item {
	struct str resource, bytes;
};

bool otlp_queue_put(struct otlp_queue *q, struct str resource, struct str item)
{
	uint32_t head[2] = { (uint32_t)resource.n, (uint32_t)item.n };
	size_t before = q->bytes.n, need = sizeof(head) + resource.n + item.n;

	if (need > q->bytes.max - before)
		return false;
	buf_add(&q->bytes, head, sizeof(head));
	buf_str(&q->bytes, resource);
	buf_str(&q->bytes, item);
	if (q->bytes.failed) {
		q->bytes.failed = false;
		q->bytes.n = before;
		return false;
	}
	q->n++;
	return true;
}

/* Our own bytes: they are as we put them. */
static struct item item_at(const struct otlp_queue *q, size_t at)
{
	const char *p = q->bytes.p + at;
	uint32_t head[2];

	memcpy(head, p, sizeof(head));
	p += sizeof(head);
	return (struct item){ { p, head[0] }, { p + head[0], head[1] } };
}

size_t otlp_queue_take(struct otlp_queue *q, size_t max, struct buf *request)
{
	_cleanup_(buf_free) struct buf items = { 0 };
	struct str resource = STR_NONE;
	size_t at = 0, n = 0;

	while (at < q->bytes.n) {
		struct item it = item_at(q, at);

		if (n && request->n + items.n + it.resource.n + it.bytes.n > max)
			break;
		if (items.n && !str_eq(resource, it.resource)) {
			otlp_group(resource, buf_slice(&items), request);
			buf_reset(&items);
		}
		resource = it.resource;
		pb_bytes_always(&items, 2, it.bytes);
		at += sizeof(uint32_t[2]) + it.resource.n + it.bytes.n;
		n++;
	}
	if (items.n)
		otlp_group(resource, buf_slice(&items), request);
	request->failed |= items.failed;
	if (n)
		memmove(q->bytes.p, q->bytes.p + at, q->bytes.n - at);
	q->bytes.n -= at;
	q->n -= n;
	return n;
}
