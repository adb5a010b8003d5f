/* The ring reader: positions, header bits, and nothing else. */
#include "source/ring.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RING_HDR     8u
#define RING_BUSY    (1u << 31)
#define RING_DISCARD (1u << 30)
#define GIVE_PARTS   64 /* of the ring are given back at once */

int ring_open(int fd, size_t bytes, size_t max_record, struct ring *ret)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t extra = (max_record + RING_HDR + page - 1) / page * page;
	size_t data_bytes = page + bytes + extra;
	void *consumer, *producer;

	consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (consumer == MAP_FAILED)
		return -errno;
	producer = mmap(NULL, data_bytes, PROT_READ, MAP_SHARED, fd, (off_t)page);
	if (producer == MAP_FAILED) {
		int err = -errno;

		munmap(consumer, page);
		return err;
	}
	*ret = (struct ring){
		.fd = fd,
		.mask = bytes - 1,
		.consumer = consumer,
		.producer = producer,
		.consumer_bytes = page,
		.data_bytes = data_bytes,
		.data = (const char *)producer + page,
	};
	ret->taken = ret->given = __atomic_load_n((uint64_t *)consumer, __ATOMIC_RELAXED);
	return 0;
}

void ring_close(struct ring *r)
{
	if (!r->consumer)
		return;
	munmap(r->consumer, r->consumer_bytes);
	munmap(r->producer, r->data_bytes);
	*r = (struct ring){ .fd = -1 };
}

static void ring_give(struct ring *r)
{
	r->given = r->taken;
	__atomic_store_n((uint64_t *)r->consumer, r->taken, __ATOMIC_RELEASE);
}

void ring_refresh(struct ring *r)
{
	if (r->given != r->taken)
		ring_give(r);
	r->made = __atomic_load_n((uint64_t *)r->producer, __ATOMIC_ACQUIRE);
}

/* With its header. */
static uint64_t record_bytes(uint32_t len)
{
	return (RING_HDR + (uint64_t)len + 7) & ~7ull;
}

static void ring_advance(struct ring *r, uint32_t len)
{
	r->taken += record_bytes(len);
	if (r->taken - r->given > r->mask / GIVE_PARTS)
		ring_give(r);
}

const void *ring_peek(struct ring *r, uint32_t *ret_len)
{
	while (r->taken < r->made) {
		const char *at = r->data + (r->taken & r->mask);
		uint32_t word = __atomic_load_n((const uint32_t *)at, __ATOMIC_ACQUIRE);
		uint32_t len = word & ~(RING_BUSY | RING_DISCARD);

		if (word & RING_BUSY)
			return NULL;
		if (!(word & RING_DISCARD)) {
			*ret_len = r->shown = len;
			return at + RING_HDR;
		}
		ring_advance(r, len);
	}
	return NULL;
}

void ring_take(struct ring *r)
{
	ring_advance(r, r->shown);
}
