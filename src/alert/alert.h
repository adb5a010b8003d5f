#pragma once
/*
 * One alert as people and receivers see it: a line of text and a JSON object, in Falco's shapes, so
 * that whatever reads Falco's alerts (Falcosidekick and all behind it) reads these.
 *
 *	text  13:53:31.726060287: Notice Shell in container (proc=bash ...)
 *	json  {"hostname":..,"output":..,"output_fields":{..},"priority":..,"rule":..,"source":..,
 *	       "tags":[..],"time":"2026-01-02T03:04:05.123456789Z"}
 *
 * A struct alert_form is made once for a set of rules: which members the JSON has, in which order,
 * and all that does not change. Rendering then takes one allocation, the alert's own. Members of
 * output_fields are sorted; what an event does not have is null (text: <NA>); numbers and booleans
 * stay what they are, lists are arrays; transformed fields are in the text only. k8s.ns.name and
 * k8s.pod.name are always strings or null.
 *
 * Any bytes may come from the event. In JSON, bytes that are no UTF-8 are U+FFFD; in the text,
 * control characters (C1 and bidirectional ones too) are escaped as in JSON, so an alert is always
 * one line. A value above ALERT_VALUE_MAX_BYTES ends in "...", so does a message above
 * ALERT_MESSAGE_MAX_BYTES; fields that do not fit ALERT_JSON_MAX_BYTES are left out but evt.time.
 * The last two are counted (alert_form_cut).
 *
 * An alert is counted by reference and read-only; any thread may hold it. A form belongs to one
 * thread and borrows the rule set and the catalogue.
 *
 * Sources: Falco 0.44, userspace/engine/formats.cpp; Falcosidekick's types/types.go.
 */
#include <stdatomic.h>

#include "base/buf.h"
#include "base/clock.h"
#include "rule/rule.h"

#define ALERT_VALUE_MAX_BYTES	(16u << 10)
#define ALERT_MESSAGE_MAX_BYTES (64u << 10)
#define ALERT_JSON_MAX_BYTES	(1u << 20)
#define ALERT_EXTRAS_MAX	64

struct alert {
	atomic_uint refs;
	struct alert *next; /* next, number: the outlets', from outlets_put on */
	uint64_t number;
	enum priority priority;
	struct wall_ns time;
	/* In `bytes`, each followed by NUL; text and json are one line without its end. */
	struct str rule, text, json;
	/* Places in json where alert_fold puts in; 0: there is none. */
	uint32_t at_fields, at_message, at_output;
	char bytes[];
};

/* A member of output_fields for every alert. */
struct alert_extra {
	const char *key;
	const char *format; /* "%proc.name on %evt.hostname", or text without fields; NULL: the value
			       of the field @key with its type */
};

struct alert_opts {
	const char *hostname; /* NULL or "": $PORTHOLE_HOSTNAME, $FALCO_HOSTNAME, the event's host */
	bool iso_time;	      /* text: 2026-01-02T03:04:05.123456789+0100 */
	bool suggested;	      /* append container, image and pod, as Falco 0.41 and later do */
	bool output, output_fields, tags, message; /* members of the JSON object */
	const char *append; /* a format for the end of every message; or NULL */
	const struct alert_extra *extras;
	size_t nextras;
};

/* As Falco is configured when nobody says otherwise. */
#define ALERT_OPTS_STANDARD \
	{ .suggested = true, .output = true, .output_fields = true, .tags = true }

struct alert_form;

/* 0, -ENOMEM, or -EINVAL with what is wrong in @o appended to @why. */
int alert_form_new(const struct ruleset *rules, const struct catalogue *c,
		   const struct alert_opts *o, struct alert_form **ret, struct buf *why);
void alert_form_free(struct alert_form *f);

static inline void alert_form_freep(struct alert_form **f)
{
	alert_form_free(*f);
}

/* Every field that alerts read, beside those of rule->output. */
void alert_form_fields(const struct alert_form *f,
		       void (*cb)(void *ctx, const struct field_ref *ref), void *ctx);

/* Alerts that were cut at a maximum. */
uint64_t alert_form_cut(const struct alert_form *f);

/* The alert of @r, one of the form's rules; @capture: file with what happened around it, or "".
 * NULL: no memory. */
struct alert *alert_new(struct alert_form *f, const struct rule *r, const struct event *ev,
			struct str capture);

/*
 * The same alert once more, for @count others that were not shown since: " (folded 41 more in 60s)"
 * at the end of the text, the message and the output, and the fields porthole.folded (the count)
 * and porthole.folded_until (ns, the time of the last). NULL: no memory.
 */
struct alert *alert_fold(const struct alert *a, uint64_t count, uint64_t window_ns,
			 struct wall_ns last);

/* A member of an internal message's output_fields: a string, as Falco's. */
struct alert_pair {
	struct str key, value; /* the key is a plain name */
};

/*
 * A message of the agent about itself: rule "porthole internal: WHAT", source "internal", text
 * "message (key="value" ...)". Pairs are in the order of their keys. NULL: no memory.
 */
struct alert *alert_internal(struct alert_form *f, enum priority p, struct wall_ns time,
			     struct str what, struct str message, const struct alert_pair *pairs,
			     size_t npairs);

static inline struct alert *alert_ref(struct alert *a)
{
	atomic_fetch_add_explicit(&a->refs, 1, memory_order_relaxed);
	return a;
}

void alert_unref(struct alert *a);

static inline void alert_unrefp(struct alert **a)
{
	alert_unref(*a);
}
