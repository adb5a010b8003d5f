#pragma once
/*
 * Reader of one BPF ring buffer that can look at the next record without taking it, which merging
 * by time needs and libbpf's reader does not offer. It also maps the data once plus one record
 * (libbpf: twice), because mapped pages count as the agent's memory.
 *
 * Layout (kernel/bpf/ringbuf.c, stable since 5.8): a page with the consumer position, a page with
 * the producer position, then the data; each record has an 8-byte header whose first word is the
 * length with two flag bits, and records are 8-aligned.
 *
 * One reader per ring, one thread. The record is borrowed until ring_take.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ring {
	int fd; /* borrowed */
	uint64_t mask;
	uint64_t taken; /* up to here records were given back */
	uint64_t given; /* consumer position: what the kernel knows of that */
	uint64_t made;	/* producer position when last looked */
	uint32_t shown; /* length of the record that ring_peek showed */
	size_t consumer_bytes, data_bytes;
	void *consumer, *producer;
	const char *data;
};

/* Maps the ring @fd of @bytes data bytes, whose records are at most @max_record. 0 or -errno. */
int ring_open(int fd, size_t bytes, size_t max_record, struct ring *ret);
void ring_close(struct ring *r);

/* Tells the kernel what was given back, and looks again at what it has written. */
void ring_refresh(struct ring *r);

/* The oldest record and its length, or NULL when there is none, or it is still being written. */
const void *ring_peek(struct ring *r, uint32_t *ret_len);

/*
 * Gives back the record that ring_peek showed. The kernel hears of it later, of many at once (the word is on a page
 * that it reads for each record it writes), at the latest by ring_refresh.
 */
void ring_take(struct ring *r);
