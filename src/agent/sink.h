#pragma once
/*
 * Events to text: a query, an output form, a buffer. What `porthole events` prints and what a
 * client of a running agent gets is made by the same sink. One thread.
 */
#include "agent/query.h"
#include "lang/format.h"
#include "out/out.h"

#define SINK_FIELDS_MAX 64

struct sink_opts {
	struct query_opts query;
	bool json;
	const char *fields;	   /* "a,b[1],c"; NULL: the form's own choice */
	const char *format;	   /* "%evt.time %proc.name"; NULL: none */
	uint64_t count;		   /* stop after so many; 0: no limit */
	bool explain;		   /* show where requests' time went, when that is known */
	const struct out_ops *ops; /* another form than `json` says; NULL: none */
};

struct sink {
	struct query query;
	struct subscription subscription;
	const struct out_ops *ops;
	struct out *out;
	struct format *format;
	struct format *indexed[SINK_FIELDS_MAX]; /* own the brackets of some of refs */
	size_t nindexed;
	struct field_ref refs[SINK_FIELDS_MAX];
	size_t nrefs;
	uint64_t count, lost; /* lost: lines that did not fit the buffer */
	bool done;	      /* the count is reached */
	bool explain;
	struct buf buf; /* lines waiting to be written by the owner */
};

/* 0, or -EINVAL with the reason appended to @why, or -ENOMEM. Does not subscribe yet. */
int sink_make(const struct sink_opts *o, struct sink *ret, struct buf *why);

/* The sink must not move from now on. */
void sink_start(struct sink *s, struct pipeline *p);
void sink_free(struct sink *s);
