/* Threads wait for a block device: how long, through which files, and how slow the device is. */
#include "cause/cause.h"

#define LIKELY	100
#define CERTAIN 300
#define MENTION 30
#define NAMED	3

static void files_add(const struct watch *w, struct finding *f)
{
	size_t named = 0;

	for (size_t i = 0; i < w->nfiles && named < NAMED; i++) {
		const struct watch_file *x = &w->files[i];

		if (x->type != WATCH_FILE || !x->wait_ns)
			continue;
		finding_evidence(f, "%s %.*s: waited %s in %lu calls, %s",
				 x->writes ? "writing" : "reading", STR_ARG(x->name),
				 time_text(x->wait_ns).s, x->calls, bytes_text(x->bytes).s);
		named++;
	}
}

/* How many requests a device has at once, on the mean, is their time by that of the clock. */
static void devices_add(const struct watch *w, struct finding *f)
{
	for (size_t i = 0; i < w->ndevices && i < NAMED; i++) {
		const struct watch_device *d = &w->devices[i];
		const uint64_t n = d->reads + d->writes + d->flushes, ns = w->duration_ns;

		if (!n || !ns)
			continue;
		finding_evidence(
			f,
			"device %.*s: %lu reads, %lu writes, %lu flushes, %s each; busy %.0f %% of the "
			"time, %.1f at once (all who use it)",
			STR_ARG(d->name), d->reads, d->writes, d->flushes, time_text(d->ns / n).s,
			100 * (double)(d->busy_ns < ns ? d->busy_ns : ns) / (double)ns,
			(double)d->ns / (double)ns);
	}
}

static void judge(const struct watch *w, struct findings *ret)
{
	uint64_t ns = w->ns[THREAD_DISK];
	uint32_t cost = watch_cost(w, ns);
	enum confidence sure;
	struct finding *f;

	if (cost < MENTION)
		return;
	sure = confidence_of(cost, LIKELY, CERTAIN);
	/* Pages that are read again because they were evicted are the memory's fault, not the disk's. */
	if (sure == CONFIDENCE_CERTAIN && watch_rate(w, refaults_of(w)) > REFAULTS_FEW)
		sure = CONFIDENCE_LIKELY;
	f = finding_add(ret, &cause_disk_io, sure, cost);
	finding_title(f, "it waits for the disk: %.0f %% of its busy time", (double)cost / 10);
	finding_evidence(f, "%s of waiting for block devices", time_text(ns).s);
	if (f)
		files_add(w, f);
	if (f)
		devices_add(w, f);
	finding_advice(
		f, "write less or later (fewer fsync), read ahead or cache, or use a faster disk");
}

const struct cause cause_disk_io = {
	.name = "disk-io",
	.help = "it waits for a block device",
	.judge = judge,
};
