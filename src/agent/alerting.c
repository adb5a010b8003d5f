/*
 * An alert's way: fold.h decides whether it is shown at all; then it gets its capture, is rendered
 * once, and goes to the callback and the channels.
 */
#include "agent/alerting.h"

#include <errno.h>
#include <stdlib.h>

#include "agent/catalogue.h"
#include "base/cleanup.h"

#define LOSS_EVERY_NS (60 * NS_PER_SEC)

struct alerting {
	struct alerting_opts opts;
	struct pipeline *pipeline;
	struct alert_form *form;
	struct alert_extra extras[ALERT_EXTRAS_MAX];
	struct fold *fold;
	struct outlets *outlets;
	struct lookback *lookback;
	uint64_t failed, lost;
	struct boot_ns loss_told;
};

/* Shows an alert and gives it away. */
static void alert_out(void *ctx, struct alert *alert)
{
	struct alerting *a = ctx;

	if (!alert) {
		a->failed++;
		return;
	}
	if (a->opts.each)
		a->opts.each(a->opts.ctx, alert);
	if (a->outlets)
		outlets_put(a->outlets, alert);
	else
		alert_unref(alert);
}

static int lookback_make(struct alerting *a, struct buf *why)
{
	int err = 0;

	if (a->opts.lookback)
		err = lookback_new(a->opts.lookback, &a->pipeline->host, &a->lookback);
	if (err)
		buf_printf(why, "look-back: %s: %s", a->opts.lookback->directory, strerror(-err));
	a->opts.lookback = NULL; /* the caller's */
	a->pipeline->lookback = a->lookback;
	return err;
}

static int parts_make(struct alerting *a, const struct ruleset *rules, struct buf *why)
{
	const struct fold_opts fold = { a->opts.dedup, a->opts.per_rule, a->opts.per_pod };
	int err = alert_form_new(rules, catalogue_get(), &a->opts.form, &a->form, why);

	if (!err)
		err = fold_new(&fold, catalogue_get(), alert_out, a, &a->fold, why);
	if (!err)
		err = lookback_make(a, why);
	if (!err && a->opts.outlets.nchannels)
		err = outlets_open(&a->opts.outlets, &a->outlets, why);
	return err;
}

int alerting_new(const struct alerting_opts *o, const struct ruleset *rules,
		 struct pipeline *pipeline, struct alerting **ret, struct buf *why)
{
	struct alerting *a = calloc(1, sizeof(*a));
	int err;

	if (!a || o->form.nextras > ALERT_EXTRAS_MAX) {
		free(a);
		return a ? -E2BIG : -ENOMEM;
	}
	a->opts = *o;
	a->pipeline = pipeline;
	if (o->form.nextras)
		memcpy(a->extras, o->form.extras, o->form.nextras * sizeof(a->extras[0]));
	a->opts.form.extras = a->extras; /* needed again when rules are exchanged */
	err = parts_make(a, rules, why);
	if (err) {
		if (!why->n)
			buf_printf(why, "alerts: %s", strerror(-err));
		alerting_close(a, 0);
		return err;
	}
	*ret = a;
	return 0;
}

int alerting_rules(struct alerting *a, const struct ruleset *rules)
{
	_cleanup_(buf_free) struct buf why = { 0 };
	struct alert_form *form;
	int err = alert_form_new(rules, catalogue_get(), &a->opts.form, &form, &why);

	if (err)
		return err;
	alert_form_free(a->form);
	a->form = form;
	return 0;
}

static void flags_add(void *ctx, const struct field_ref *ref)
{
	*(uint32_t *)ctx |= ref->field->flags;
}

uint32_t alerting_shown(const struct alerting *a)
{
	uint32_t flags = 0;

	alert_form_fields(a->form, flags_add, &flags);
	fold_fields(a->fold, flags_add, &flags);
	return flags;
}

void alerting_alert(struct alerting *a, const struct rule *r, const struct event *ev)
{
	char capture[LOOKBACK_NAME] = "";
	struct alert *alert;

	if (!fold_pass(a->fold, r, ev))
		return;
	if (a->lookback)
		lookback_alert(a->lookback, r, ev->time, capture);
	alert = alert_new(a->form, r, ev, str_of(capture));
	if (alert)
		fold_shown(a->fold, alert);
	alert_out(a, alert);
}

void alerting_turn(struct alerting *a, struct boot_ns now)
{
	fold_turn(a->fold, a->form, &a->pipeline->host, now, false);
	if (a->lookback)
		lookback_turn(a->lookback, a->pipeline->enrich, now);
}

void alerting_losses(struct alerting *a, uint64_t lost, struct str text)
{
	struct boot_ns now = clock_boot();

	if (lost == a->lost || (a->loss_told.ns && now.ns < a->loss_told.ns + LOSS_EVERY_NS))
		return;
	a->lost = lost;
	a->loss_told = now;
	alert_out(a, alert_internal(a->form, PRIORITY_WARNING, clock_wall(), STR("event loss"),
				    text, NULL, 0));
}

const struct outlets *alerting_outlets(const struct alerting *a)
{
	return a->outlets;
}

struct fold_stats alerting_folded(const struct alerting *a)
{
	struct fold_stats s;

	fold_stats(a->fold, &s);
	return s;
}

struct lookback_stats alerting_lookback(const struct alerting *a)
{
	return a->lookback ? lookback_stats(a->lookback) : (struct lookback_stats){ 0 };
}

uint64_t alerting_failed(const struct alerting *a)
{
	return a->failed;
}

uint64_t alerting_close(struct alerting *a, uint32_t deadline_ms)
{
	uint64_t unsent;

	if (!a)
		return 0;
	if (a->fold)
		fold_turn(a->fold, a->form, &a->pipeline->host, a->pipeline->now, true);
	fold_free(a->fold);
	a->pipeline->lookback = NULL;
	if (a->lookback)
		lookback_close(a->lookback, a->pipeline->enrich);
	unsent = outlets_close(a->outlets, deadline_ms);
	alert_form_free(a->form);
	free(a);
	return unsent;
}
