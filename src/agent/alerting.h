#pragma once
/*
 * From a match to its receivers: fold and limit, render, look back, hand to the channels. Sits
 * between detect.h and alert/; one thread, the pipeline's.
 */
#include "agent/pipeline.h"
#include "alert/fold.h"
#include "alert/outlets.h"

struct alerting_opts {
	struct alert_opts form;
	struct outlets_opts outlets;		/* nchannels 0: none */
	const char *dedup, *per_rule, *per_pod; /* NULL or "": off */
	const struct lookback_opts *lookback;	/* NULL: off */
	/* Each alert, rendered, beside the channels; may be NULL. */
	void (*each)(void *ctx, const struct alert *a);
	void *ctx;
};

struct alerting;

/* 0, or -errno with the reason appended to @why. @rules are borrowed until alerting_rules. */
int alerting_new(const struct alerting_opts *o, const struct ruleset *rules,
		 struct pipeline *pipeline, struct alerting **ret, struct buf *why);

/* Other rules are in force. 0 or -ENOMEM. */
int alerting_rules(struct alerting *a, const struct ruleset *rules);

/* FIELD_* of the fields that alerts show beside those of their rules. */
uint32_t alerting_shown(const struct alerting *a);

void alerting_alert(struct alerting *a, const struct rule *r, const struct event *ev);

/* After each batch: ends windows, writes captures. */
void alerting_turn(struct alerting *a, struct boot_ns now);

/* Loss of kernel events, told to the receivers: at most once a minute, as one alert. */
void alerting_losses(struct alerting *a, uint64_t lost, struct str text);

const struct outlets *alerting_outlets(const struct alerting *a); /* NULL: none */
struct fold_stats alerting_folded(const struct alerting *a);
struct lookback_stats alerting_lookback(const struct alerting *a);
uint64_t alerting_failed(const struct alerting *a); /* alerts that could not be rendered */

/* Ends windows, writes what is pending, sends for at most @deadline_ms. Returns what was not sent. */
uint64_t alerting_close(struct alerting *a, uint32_t deadline_ms);
