#pragma once
/*
 * A profile: stacks with values, what every profile output reads.
 *
 * Frames, strings and stacks are interned: equal ones are one, and a stack is a node of a tree whose
 * parent is its caller, so a thousand stacks below main() share it. A *series* says whose time it
 * is: labels (pod, container, process, thread, cpu, state; any subset) that outputs may group by,
 * filter by or write as labels. A sample is (stack, series) -> one value per type.
 *
 * All memory is the profile's; bounded by PROFILE_*_MAX and by profile_opts.bytes_max. What does not
 * fit any more goes to the one node "[too many different stacks]", of its series or of series 0, and
 * is counted, so totals stay right. Values add up to UINT64_MAX and stay there. One thread.
 */
#include "symbol/frame.h"

#define PROFILE_STRINGS_MAX (4u << 20) /* different strings */
#define PROFILE_FRAMES_MAX  (2u << 20) /* different frames */
#define PROFILE_NODES_MAX   (8u << 20) /* nodes of the tree */
#define PROFILE_SAMPLES_MAX (4u << 20) /* different (stack, series) */
#define PROFILE_SERIES_MAX  (1u << 18)
#define PROFILE_BYTES_MAX   (1u << 30)
#define PROFILE_STRING_MAX  (16u << 10) /* bytes of one string; the rest is cut off */
#define PROFILE_DEPTH_MAX   2048	/* frames of a stack; the outermost beyond are cut off */
#define PROFILE_TYPES_MAX   4
#define PROFILE_LABELS_MAX  12

/* Frame 0 and node 1 are there from the beginning: "[too many different stacks]". */
#define PROFILE_FRAME_FULL 0
#define PROFILE_NODE_FULL  1
/* Series 0 has no labels. */
#define PROFILE_SERIES_NONE 0

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
	size_t bytes_max; /* of memory; 0: PROFILE_BYTES_MAX, which it never passes */
};

/* What was left out, and why; and what it costs. */
struct profile_stats {
	uint64_t folded; /* calls of profile_add that went to "[too many different stacks]" */
	uint64_t frames_refused; /* -ENOSPC of profile_frame */
	uint64_t series_refused; /* -ENOSPC of profile_series */
	uint64_t stacks_cut;	 /* calls of profile_add with more than PROFILE_DEPTH_MAX frames */
	uint64_t strings_cut;	 /* longer than PROFILE_STRING_MAX */
	size_t bytes;		 /* allocated now */
};

struct profile;

/*
 * A node: one frame below its caller. Node 0 is the root; its frame says nothing. A parent's number
 * is smaller than its child's.
 */
struct profile_node {
	uint32_t parent, frame;
};

struct profile_sample {
	uint32_t node, series;
	uint64_t value[PROFILE_TYPES_MAX];
};

/* 0 or -ENOMEM, -EINVAL (no type, or too many), -ENOSPC (bytes_max). Strings of @o are copied. */
int profile_new(const struct profile_opts *o, struct profile **ret);
void profile_free(struct profile *p);

static inline void profile_freep(struct profile **p)
{
	profile_free(*p);
}

/*
 * Copied; equal frames get the same number. An empty string is an absent one. 0, -ENOMEM; -ENOSPC
 * (counted): PROFILE_FRAME_FULL will do instead.
 */
int profile_frame(struct profile *p, const struct frame *f, uint32_t *ret);

/*
 * Copied; equal sets of labels get the same number, in whatever order they come. A label without a
 * value is none. 0, -ENOMEM; -EINVAL: too many labels, or a key absent or twice; -ENOSPC (counted):
 * PROFILE_SERIES_NONE will do instead.
 */
int profile_series(struct profile *p, const struct profile_label *l, size_t n, uint32_t *ret);

/*
 * Adds @values (ntypes of them) to the stack of @frames (leaf first, as the kernel sends it; the
 * numbers from profile_frame). 0, -ENOMEM (nothing is added), -EINVAL (a number that does not
 * exist); more stacks than fit are not an error, see above.
 */
int profile_add(struct profile *p, uint32_t series, const uint32_t *frames, size_t n,
		const uint64_t *values);

/* The beginning is known, the end only later. */
void profile_set_duration(struct profile *p, uint64_t duration_ns);

/* Another title. 0, -ENOMEM, -ENOSPC. */
int profile_set_title(struct profile *p, struct str title);

/* Reading. Pointers are valid until the next call that adds. Frames' strings live as long as @p. */
const struct profile_opts *profile_opts(const struct profile *p);
const struct frame *profile_frames(const struct profile *p, size_t *ret_n);
const struct profile_node *profile_nodes(const struct profile *p, size_t *ret_n);
const struct profile_sample *profile_samples(const struct profile *p, size_t *ret_n);
size_t profile_series_count(const struct profile *p);
/* In the order of their keys' bytes. */
const struct profile_label *profile_series_labels(const struct profile *p, uint32_t series,
						  size_t *ret_n);
/* The value of label @key; absent: it has none. */
struct str profile_series_label(const struct profile *p, uint32_t series, struct str key);
struct profile_stats profile_stats(const struct profile *p);
