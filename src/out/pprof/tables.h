#pragma once
/*
 * What a profile.proto refers to by number: strings, mappings, functions, locations, each interned
 * and numbered 1..n in order of first use (strings from 0, which is ""), as Parca asks.
 *
 * A location is one machine address: the frame that is there and those inlined into it, innermost
 * first, which the profile keeps as frames of their own. A frame without a function has no line: its
 * mapping and address are all that is said. Strings are made valid UTF-8, and control characters are
 * escaped as \xHH, since `go tool pprof` prints them as they are. One thread; budget: PROFILE_BYTES_MAX.
 */
#include "agg/profile.h"
#include "base/buf.h"
#include "base/intern.h"

struct pprof_mapping {
	uint32_t file, build_id; /* strings */
	/* What is known of its locations: whether all have functions, files, lines; any inlined. */
	bool no_function, no_file, no_line, inlined;
};

struct pprof_function {
	uint32_t name, system_name, file; /* strings */
};

struct pprof_location {
	uint32_t first, n;	  /* its lines, in pprof_tables.lines */
	uint32_t mapping;	  /* 0: none */
	uint32_t frames, nframes; /* which it is made of, in pprof_tables.frames; 0: a label */
	uint64_t address;
};

struct pprof_line {
	uint32_t function, line;
};

struct pprof_tables {
	struct budget budget;
	struct intern strings;
	const struct frame *of; /* the profile's frames */
	struct pprof_mapping *mappings;
	struct pprof_function *functions;
	struct pprof_location *locations;
	struct pprof_line *lines;
	uint32_t *frames;
	size_t nmappings, nfunctions, nlocations, nlines, nframes;
	size_t cap_mappings, cap_functions, cap_locations, cap_lines, cap_frames;
	struct slots by_mapping, by_function, by_location;
	struct buf text; /* scratch */
};

/* 0, -ENOMEM. The profile outlives it. */
int pprof_tables_init(struct pprof_tables *t, const struct profile *p);
void pprof_tables_free(struct pprof_tables *t);

/* All: 0, -ENOMEM, -ENOSPC. */
int pprof_string(struct pprof_tables *t, struct str s, uint32_t *ret);

/* The location of @n (at least 1) of the profile's frames, innermost first. */
int pprof_location(struct pprof_tables *t, const uint32_t *frames, size_t n, uint32_t *ret);

/* A location that is no code: a label's value above the stacks. */
int pprof_location_label(struct pprof_tables *t, struct str name, uint32_t *ret);
