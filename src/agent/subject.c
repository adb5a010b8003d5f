/* The event that is none. */
#include "agent/subject.h"

static const struct kind no_kind = { .id = 0, .name = { "process", 7 }, .help = "no event" };

void subject_event_init(struct subject_event *s, struct proc *p, const struct event_host *host,
			struct boot_ns now)
{
	*s = (struct subject_event){
		.hdr = { .time_ns = now.ns, .start_ns = p->start.ns, .pid = p->pid, .tid = p->pid },
		.ev = { .kind = &no_kind, .time = now, .host = host, .proc = p, .fd.num = -1 },
	};
	s->ev.hdr = &s->hdr;
	s->ev.body = &s->hdr;
}
