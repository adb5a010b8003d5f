#pragma once
/*
 * Which alerts are shown. Two things that are off unless asked for:
 *
 *   dedup "60s by rule, container.id, proc.name": of alerts that agree in these, the first is shown
 *     at once; those that follow within the window are counted, and at its end the first is shown
 *     again with the count (alert_fold). `rule` is the rule's name, all others are fields.
 *   rates "10/s", "600/m burst 100" per rule and per pod (a container without pod counts as one,
 *     the host too): what is above is held back, and a message "porthole internal: alerts limited"
 *     tells how many, when the limit is no longer felt or each minute (limit.h).
 *
 * An alert that is folded takes nothing from a rate. Nothing goes in silence: each has a counter and
 * a message, and what does not fit the tables (FOLD_KEYS_MAX, FOLD_BYTES_MAX) is shown, counted.
 *
 * For each match: fold_pass; if it says so, alert_new, fold_shown, and out with it. Time is the
 * events' own. One thread.
 */
#include "alert/alert.h"
#include "alert/limit.h"

#define FOLD_KEYS_MAX	   4096
#define FOLD_BYTES_MAX	   (4u << 20) /* alerts kept for the end of their windows */
#define FOLD_FIELDS_MAX	   8
#define FOLD_KEY_MAX_BYTES 2048 /* of longer keys the rest counts by its hash */

struct fold_opts {
	const char *dedup, *per_rule, *per_pod; /* NULL or "": off */
};

struct fold_stats {
	uint64_t folded;		    /* alerts counted into an earlier one */
	uint64_t summaries;		    /* alerts shown for them, and messages about limits */
	uint64_t limited_rule, limited_pod; /* held back */
	uint64_t full;			    /* shown because a table was full */
	uint64_t keys;			    /* open windows now */
};

/* Gets the reference; NULL: no memory for an alert that was due. */
typedef void fold_out(void *ctx, struct alert *a);

struct fold;

/* 0, -ENOMEM, or -EINVAL with the reason appended to @why. */
int fold_new(const struct fold_opts *o, const struct catalogue *c, fold_out *out, void *ctx,
	     struct fold **ret, struct buf *why);

/* Frees without a word: fold_turn with @all comes before. NULL is fine. */
void fold_free(struct fold *f);

/* Every field that keys read. */
void fold_fields(const struct fold *f, void (*cb)(void *ctx, const struct field_ref *ref), void *ctx);

/* Is an alert of @r about @ev shown? If not it is counted, here and for its summary. */
bool fold_pass(struct fold *f, const struct rule *r, const struct event *ev);

/* The alert of the last fold_pass that said yes; a reference is kept if its window needs one. */
void fold_shown(struct fold *f, struct alert *a);

/*
 * Ends windows and reports limits that are due, all of them when @all; to the function of fold_new.
 * @host: of the events, for the time of day; may be NULL while there was none. Cheap when nothing is
 * due: it may be called for each batch.
 */
void fold_turn(struct fold *f, struct alert_form *form, const struct event_host *host,
	       struct boot_ns now, bool all);

void fold_stats(const struct fold *f, struct fold_stats *ret);
