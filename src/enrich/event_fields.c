/* evt.*: when, what, how it ended. */
#include "base/arena.h"
#include "enrich/enrich.h"

#include <errno.h>
#include <stdio.h>

/* Codes that never leave the kernel, but show at the end of an interrupted call. */
#define KERNEL_ERRNO_MIN 512

enum evt_field {
	EVT_NUM,
	EVT_TIME,
	EVT_TYPE,
	EVT_KIND,
	EVT_RES,
	EVT_RAWRES,
	EVT_FAILED,
	EVT_CPU,
	EVT_TID,
};

static bool errno_name(int64_t ret, struct str *ret_name)
{
	static const struct {
		int code;
		const char *name;
	} internal[] = {
		{ 512, "ERESTARTSYS" },
		{ 513, "ERESTARTNOINTR" },
		{ 514, "ERESTARTNOHAND" },
		{ 516, "ERESTART_RESTARTBLOCK" },
	};
	const char *name;

	if (ret >= 0) {
		*ret_name = STR("SUCCESS");
		return true;
	}
	if (ret < -4095)
		return false;
	for (size_t i = 0; ret <= -KERNEL_ERRNO_MIN && i < sizeof(internal) / sizeof(internal[0]); i++)
		if (internal[i].code == -ret) {
			*ret_name = str_of(internal[i].name);
			return true;
		}
	name = strerrorname_np((int)-ret);
	*ret_name = str_of(name);
	return name != NULL;
}

static bool evt_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		    struct value *ret)
{
	if (nth)
		return false;
	ret->type = ref->field->type;
	switch ((enum evt_field)ref->field->arg) {
	case EVT_NUM:
		ret->u64 = ev->num;
		return true;
	case EVT_TIME:
		ret->u64 = ev->time.ns + (uint64_t)ev->host->boot_to_wall_ns;
		return true;
	case EVT_TYPE:
		ret->str = ev->type;
		return true;
	case EVT_KIND:
		ret->str = ev->kind->name;
		return true;
	case EVT_RES:
		return ev->has_ret && errno_name(ev->ret, &ret->str);
	case EVT_RAWRES:
		ret->i64 = ev->ret;
		return ev->has_ret;
	case EVT_FAILED:
		ret->b = ev->ret < 0;
		return ev->has_ret;
	case EVT_CPU:
		ret->u64 = ev->hdr->cpu;
		return true;
	case EVT_TID:
		ret->u64 = ev->hdr->tid;
		return true;
	}
	return false;
}

static bool host_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		     struct value *ret)
{
	(void)ref;
	ret->type = VALUE_STR;
	ret->str = ev->host->name;
	return nth == 0 && ret->str.n;
}

#define ALL KINDS_ALL
#define DEF FIELD_DEFAULT

const struct field enrich_event_fields[] = {
	{ "evt.num", VALUE_U64, "", ALL, 0, evt_get, EVT_NUM, "number of the event, from 1" },
	{ "evt.time", VALUE_TIME, "ns", ALL, DEF, evt_get, EVT_TIME, "when it happened" },
	{ "evt.type", VALUE_STR, "", ALL, DEF, evt_get, EVT_TYPE,
	  "the system call or kernel event: openat, execve, procexit, ..." },
	{ "evt.kind", VALUE_STR, "", ALL, DEF, evt_get, EVT_KIND,
	  "the group it belongs to, as --kind names it: open, exec, exit, ..." },
	{ "evt.res", VALUE_STR, "", ALL, DEF, evt_get, EVT_RES, "SUCCESS, or the error's name" },
	{ "evt.rawres", VALUE_I64, "", ALL, DEF, evt_get, EVT_RAWRES,
	  "result of the call; negative: an error number" },
	{ "evt.failed", VALUE_BOOL, "", ALL, 0, evt_get, EVT_FAILED, "whether the call failed" },
	{ "evt.cpu", VALUE_U64, "", ALL, 0, evt_get, EVT_CPU, "number of the CPU it happened on" },
	{ "thread.tid", VALUE_U64, "", ALL, DEF, evt_get, EVT_TID, "the thread that did it" },
	{ "evt.hostname", VALUE_STR, "", ALL, 0, host_get, 0, "name of the machine it happened on" },
	{ NULL },
};
