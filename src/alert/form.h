#pragma once
/*
 * Inside a form: for each rule the members of output_fields in order, and the constant end of the
 * JSON object. Internal to alert/.
 */
#include "alert/alert.h"

enum slot_kind {
	SLOT_FIELD, /* the value of a format's field, with its type */
	SLOT_TEXT,  /* a whole format, printed */
	SLOT_TIME,  /* evt.time, ns */
	SLOT_OURS,  /* porthole.*: where they are, when there are any */
};

struct slot {
	enum slot_kind kind;
	bool as_string; /* whatever type the field has */
	unsigned order; /* of two with one key the later one is kept */
	struct str key;
	const struct format *format;
	size_t field; /* of the format */
};

struct rule_form {
	const struct rule *rule;
	struct slot *slots;
	size_t nslots;
	struct str tail; /* `,"priority":...,"time":"` */
};

/* The second last written, in three forms. */
struct second {
	uint64_t s;
	bool valid;
	char utc[20];	/* 2026-01-02T03:04:05 */
	char local[20]; /* 03:04:05, or the whole date */
	char zone[6];	/* +0100; "" unless the date is there */
};

struct alert_form {
	struct alert_opts opts;
	const struct catalogue *catalogue;
	struct str hostname; /* absent: the event's host's */
	char *hostname_owned;
	struct format *append, *suggested; /* NULL: none */
	struct format *extras[ALERT_EXTRAS_MAX];
	char *extra_keys[ALERT_EXTRAS_MAX];
	bool extra_typed[ALERT_EXTRAS_MAX];
	size_t nextras;
	struct rule_form *rules;
	size_t nrules;
	struct second second;
	struct buf message, prefix, text, json; /* scratch */
	uint64_t cut;
};

/* A value as it is, without escapes; longer ones are cut. */
void alert_value_raw(struct buf *b, const struct value *v);
