#pragma once
/*
 * The fields that read a system call's arguments: evt.arg.*, evt.rawarg.*, evt.args, evt.is_open_*,
 * evt.buffer, evt.abspath, fs.path.*. The names of arguments come from the table of calls; there is
 * no second list of them.
 */
#include "event/field.h"

/* Ended by a NULL name; completed before main. */
extern struct field syscall_fields[];

/* An argument of a successful exec, which the process tells; false: there is no such. */
struct arg_text;
bool exec_arg_get(const struct event *ev, const char *name, struct arg_text *ret);

/* Name number @n of those, NULL behind the last. */
const char *exec_arg_name(unsigned n);
