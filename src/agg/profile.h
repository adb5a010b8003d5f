#pragma once
/*
 * A profile: stacks with values, what every profile output reads.
 *
 * Frames, strings and stacks are interned: equal ones are one, and a stack is a node of a tree whose
 * parent is its caller, so a thousand stacks below main() share it. A *series* says whose time it
 * is: labels (pod, container, process, thread, cpu, state; any subset) that outputs may group by,
 * filter by or write as labels. A sample is (stack, series) -> one value per type.
 *
 * All memory is the profile's; bounded by PROFILE_*_MAX. What does not fit any more goes to the one
 * node "[too many different stacks]" and is counted, so totals stay right. One thread.
 */
#include "symbol/frame.h"

#define PROFILE_STRINGS_MAX (4u << 20) /* different strings */
#define PROFILE_NODES_MAX   (8u << 20) /* nodes of the tree */
#define PROFILE_SAMPLES_MAX (4u << 20) /* different (stack, series) */
#define PROFILE_BYTES_MAX   (1u << 30)
#define PROFILE_TYPES_MAX   4
#define PROFILE_LABELS_MAX  12

/* What a value counts: "samples" "count", "cpu" "nanoseconds", "wall" "nanoseconds". */
struct profile_type {
	struct str type, unit;
};

struct profile_label {
	struct str key, value; /* "pod" "shop/cart"; "state" "disk" */
};

struct profile_opts {
	struct profile_type types[PROFILE_TYPES_MAX];
	size_t ntypes; /* at least 1; the first is the one to draw unless said otherwise */
	struct profile_type period_type; /* "cpu" "nanoseconds" */
	uint64_t period;		 /* ns between samples; 0: none */
	int64_t time_ns;		 /* wall clock, of the beginning */
	uint64_t duration_ns;
	struct str title; /* for people: "shop/cart, 10 s at 99 Hz" */
};

struct profile;

/* A node: one frame below its caller. Node 0 is the root, without a frame. */
struct profile_node {
	uint32_t parent, frame;
};

struct profile_sample {
	uint32_t node, series;
	uint64_t value[PROFILE_TYPES_MAX];
};

/* 0 or -ENOMEM, -EINVAL. Strings of @o are copied. */
int profile_new(const struct profile_opts *o, struct profile **ret);
void profile_free(struct profile *p);

/* Copied; equal frames and series get the same number. 0, -ENOMEM, -ENOSPC (counted). */
int profile_frame(struct profile *p, const struct frame *f, uint32_t *ret);
int profile_series(struct profile *p, const struct profile_label *l, size_t n, uint32_t *ret);

/*
 * Adds @values (ntypes of them) to the stack of @frames (leaf first, as the kernel sends it). 0 or
 * -ENOMEM; more stacks than fit are not an error, see above.
 */
int profile_add(struct profile *p, uint32_t series, const uint32_t *frames, size_t n,
		const uint64_t *values);

/* The beginning is known, the end only later. */
void profile_set_duration(struct profile *p, uint64_t duration_ns);

/* Reading. Pointers are valid until the next call that adds. Frames' strings live as long as @p. */
const struct profile_opts *profile_opts(const struct profile *p);
const struct frame *profile_frames(const struct profile *p, size_t *ret_n);
const struct profile_node *profile_nodes(const struct profile *p, size_t *ret_n);
const struct profile_sample *profile_samples(const struct profile *p, size_t *ret_n);
size_t profile_series_count(const struct profile *p);
const struct profile_label *profile_series_labels(const struct profile *p, uint32_t series,
						  size_t *ret_n);
/* Samples whose stack was folded into "[too many different stacks]". */
uint64_t profile_folded(const struct profile *p);
