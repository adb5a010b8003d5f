#pragma once
/*
 * For the tests and fuzzers of this folder: a catalogue of the fields that Falco's official rules
 * use, without values, and kinds for event types. The agent's own catalogue is not needed here.
 */
#include <stdlib.h>

#include "rule/load.h"

static inline bool test_none(const struct event *ev, const struct field_ref *ref, unsigned nth,
			     struct value *ret)
{
	(void)ev, (void)ref, (void)nth, (void)ret;
	return false;
}

#define F(name, type, flags) { name, VALUE_##type, "", KINDS_ALL, flags, test_none, 0, "" }
static const struct field test_fields[] = {
	F("container.id", STR, 0),
	F("container.image.repository", STR, 0),
	F("container.mount.dest", STR, FIELD_INDEX),
	F("container.privileged", BOOL, 0),
	F("container.start_ts", TIME, 0),
	F("evt.arg", STR, FIELD_INDEX),
	F("evt.args", STR, 0),
	F("evt.buffer", STR, 0),
	F("evt.dir", STR, 0),
	F("evt.is_open_exec", BOOL, 0),
	F("evt.is_open_read", BOOL, 0),
	F("evt.is_open_write", BOOL, 0),
	F("evt.num", U64, 0),
	F("evt.rawres", I64, 0),
	F("evt.res", STR, 0),
	F("evt.type", STR, 0),
	F("fd.cip", IP, 0),
	F("fd.cip.name", STR, 0),
	F("fd.cnet", IP, 0),
	F("fd.connected", BOOL, 0),
	F("fd.directory", STR, 0),
	F("fd.filename", STR, 0),
	F("fd.ip", IP, FIELD_ANY),
	F("fd.l4proto", STR, 0),
	F("fd.lip.name", STR, 0),
	F("fd.lport", PORT, 0),
	F("fd.name", STR, 0),
	F("fd.name_changed", BOOL, 0),
	F("fd.nameraw", STR, 0),
	F("fd.net", IP, FIELD_ANY),
	F("fd.num", I64, 0),
	F("fd.port", PORT, FIELD_ANY),
	F("fd.rip", IP, 0),
	F("fd.rip.name", STR, 0),
	F("fd.rnet", IP, 0),
	F("fd.rport", PORT, 0),
	F("fd.sip", IP, 0),
	F("fd.sip.name", STR, 0),
	F("fd.snet", IP, 0),
	F("fd.sockfamily", STR, 0),
	F("fd.sport", PORT, 0),
	F("fd.type", STR, 0),
	F("fd.typechar", STR, 0),
	F("group.gid", U64, 0),
	F("group.name", STR, 0),
	F("k8s.ns.name", STR, 0),
	F("k8s.pod.name", STR, 0),
	F("proc.aexe", STR, FIELD_ANY | FIELD_INDEX),
	F("proc.aexepath", STR, FIELD_ANY | FIELD_INDEX),
	F("proc.aname", STR, FIELD_ANY | FIELD_INDEX),
	F("proc.args", STR, 0),
	F("proc.cmdline", STR, 0),
	F("proc.cwd", STR, 0),
	F("proc.duration", DURATION, 0),
	F("proc.env", STR, FIELD_INDEX),
	F("proc.exe", STR, 0),
	F("proc.exe_ino.ctime", TIME, 0),
	F("proc.exe_ino.ctime_duration_proc_start", TIME, 0),
	F("proc.exe_ino.mtime", TIME, 0),
	F("proc.exepath", STR, 0),
	F("proc.is_exe_from_memfd", BOOL, 0),
	F("proc.is_exe_upper_layer", BOOL, 0),
	F("proc.is_vpgid_leader", BOOL, 0),
	F("proc.name", STR, 0),
	F("proc.pcmdline", STR, 0),
	F("proc.pexe", STR, 0),
	F("proc.pexepath", STR, 0),
	F("proc.pname", STR, 0),
	F("proc.sname", STR, 0),
	F("proc.tty", U64, 0),
	F("proc.vpid", I64, 0),
	F("thread.cap_effective", STR, 0),
	F("thread.cap_permitted", STR, 0),
	F("user.loginname", STR, 0),
	F("user.loginuid", I64, 0),
	F("user.name", STR, 0),
	F("user.uid", U64, 0),
	{ 0 },
};
#undef F

/* Freed never: one for the program. */
static inline const struct catalogue *test_catalogue(void)
{
	static const struct field *const tables[] = { test_fields };
	static struct catalogue c;

	if (!c.n && catalogue_join(tables, 1, &c) < 0)
		abort();
	return &c;
}

/* Every word in lower case is a type; "nope" is none. */
static inline uint64_t test_type_kinds(struct str type)
{
	if (str_eq(type, STR("nope")))
		return 0;
	return str_starts(type, STR("open")) ? KIND_BIT(KIND_OPEN) :
	       str_starts(type, STR("exec")) ? KIND_BIT(KIND_EXEC) :
					       KIND_BIT(KIND_CONNECT);
}

static inline struct rule_opts test_opts(void)
{
	return (struct rule_opts){ test_catalogue(), test_type_kinds, PRIORITY_DEBUG };
}
