/* Standard error at the start and at the end of a run. */
#include "cli/report.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/log.h"

/* Who asks for everything does not miss what this kernel has not got (modules, say). */
static bool unasked(const struct loaded *p, uint64_t wanted)
{
	return (wanted & KINDS_USUAL) == KINDS_USUAL && p->state == PROBE_UNAVAILABLE &&
	       p->probe->missing && strcmp(p->why, p->probe->missing) == 0;
}

int report_probes(struct session *s, uint64_t wanted)
{
	const struct loader *l = live_loader(s->source);
	uint64_t got = 0;

	for (size_t i = 0; i < probes_n; i++) {
		const struct loaded *p = &l->probes[i];

		if (p->state == PROBE_ON || p->state == PROBE_DEGRADED)
			got |= p->kinds;
		if (unasked(p, wanted))
			continue;
		if (p->state == PROBE_UNAVAILABLE || p->state == PROBE_DEGRADED)
			log_warn("%s is %s: %s", p->probe->name,
				 p->state == PROBE_DEGRADED ? "degraded" : "unavailable", p->why);
	}
	return wanted && !(wanted & got) ? -ENOTSUP : 0;
}

bool report_losses(struct session *s)
{
	_cleanup_(buf_free) struct buf b = { 0 };
	char *rest = NULL;

	session_losses(s, &b);
	buf_char(&b, '\0');
	for (char *line = b.failed ? NULL : strtok_r(b.p, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest))
		log_warn("%s", line);
	if (s->source->damage)
		log_warn("the file is read up to byte %llu: %s",
			 (unsigned long long)s->source->damage_at, s->source->damage);
	return !s->source->damage;
}
