/* Reading the counters: three system calls for a small map, however many cgroups there are. */
#include "agent/counters.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

/* What one batch may weigh; a bucket with more entries than a batch makes it grow. */
#define BATCH_BYTES (128u << 10)
#define BATCH_MIN   32u
/* What the kernel's own headers call ENOTSUPP. */
#define ENOTSUPP_KERNEL 524

static int batch_room(struct counters *c, uint32_t n)
{
	struct cg_key *keys = realloc(c->keys, n * sizeof(*keys));
	struct cg_val *values;

	if (!keys)
		return -ENOMEM;
	c->keys = keys;
	values = realloc(c->values, (size_t)n * (size_t)c->ncpus * sizeof(*values));
	if (!values)
		return -ENOMEM;
	c->values = values;
	c->batch = n;
	return 0;
}

int counters_open(int fd, struct counters *ret)
{
	struct counters c = { .fd = fd, .ncpus = libbpf_num_possible_cpus() };
	uint32_t n;
	int err;

	if (c.ncpus < 0)
		return c.ncpus;
	n = BATCH_BYTES / ((uint32_t)c.ncpus * (uint32_t)sizeof(struct cg_val));
	err = batch_room(&c, n < BATCH_MIN ? BATCH_MIN : n);
	if (err)
		counters_close(&c);
	else
		*ret = c;
	return err;
}

void counters_close(struct counters *c)
{
	free(c->keys);
	free(c->values);
	free(c->all);
	*c = (struct counters){ .fd = -1 };
}

static int counter_add(struct counters *c, const struct cg_key *key, const struct cg_val *per_cpu)
{
	struct cg_val sum = { 0 };

	if (c->n == c->cap) {
		size_t cap = c->cap ? 2 * c->cap : 64;
		struct counter *all = realloc(c->all, cap * sizeof(*all));

		if (!all)
			return -ENOMEM;
		c->all = all;
		c->cap = cap;
	}
	for (int i = 0; i < c->ncpus; i++) {
		sum.events += per_cpu[i].events;
		sum.errors += per_cpu[i].errors;
	}
	c->all[c->n++] = (struct counter){ *key, sum };
	return 0;
}

static int read_batches(struct counters *c)
{
	uint32_t in = 0, out = 0, n;
	bool first = true;
	int err = 0, last;

	do {
		n = c->batch;
		last = bpf_map_lookup_batch(c->fd, first ? NULL : &in, &out, c->keys, c->values, &n,
					    NULL);
		if (last == -ENOSPC && c->batch < CG_COUNT_ENTRIES) {
			err = batch_room(c, 2 * c->batch);
			continue;
		}
		if (last && last != -ENOENT)
			return last;
		for (uint32_t i = 0; !err && i < n; i++)
			err = counter_add(c, &c->keys[i], &c->values[i * (uint32_t)c->ncpus]);
		in = out;
		first = false;
	} while (!err && last != -ENOENT && c->n <= CG_COUNT_ENTRIES);
	return err;
}

static int read_keys(struct counters *c)
{
	struct cg_key key, *at = NULL;
	int err = 0;

	while (!err && c->n < CG_COUNT_ENTRIES && bpf_map_get_next_key(c->fd, at, &key) == 0) {
		if (bpf_map_lookup_elem(c->fd, &key, c->values) == 0)
			err = counter_add(c, &key, c->values);
		at = &key;
	}
	return err;
}

int counters_read(struct counters *c)
{
	int err;

	c->n = 0;
	if (c->no_batch)
		return read_keys(c);
	err = read_batches(c);
	if (err == -EINVAL || err == -ENOTSUPP_KERNEL || err == -EOPNOTSUPP) {
		c->no_batch = true;
		c->n = 0;
		return read_keys(c);
	}
	return err;
}

int counters_delete(struct counters *c, const struct cg_key *key)
{
	return bpf_map_delete_elem(c->fd, key) == 0 ? 0 : -errno;
}
