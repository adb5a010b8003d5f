#pragma once
/*
 * The table of system calls that become events: a row names the call, its kind, and its arguments
 * with their types. Adding a call is adding a row in table.c. What the kernel program needs is
 * compiled from it (sys_rows); names and rendering of arguments are read from it.
 *
 * Names of arguments and renderings follow sysdig's vocabulary, because rules are written in it.
 * Numbers are x86-64's.
 */
#include "base/arena.h"
#include "event/event.h"
#include "probe/syscall/syscall.h"

struct flag_name {
	uint64_t bits;
	const char *name;
};

/* What an argument is to the kernel program. */
enum arg_class {
	CLASS_VALUE,
	CLASS_PATH, /* a path string; relative to the directory argument before it, if any */
	CLASS_DIR,  /* directory descriptor of the next path */
	CLASS_FD,   /* the descriptor the event is about */
	CLASS_ADDR, /* socket address; its length is the next argument */
	CLASS_DATA, /* bytes sent or received; their number is the next argument */
	CLASS_MSG,  /* struct msghdr: address and data */
	CLASS_OPEN, /* flags of an open, or where they stand (SYS_HOW) */
};

struct arg_type;

/* An argument as sysdig shows it: "raw", or "raw(text)" where the raw form needs explaining. */
struct arg_text {
	struct str raw;
	struct str text; /* absent: raw says it all */
};

/* The rendering of argument @at of a decoded record in the arena; false: not known. */
typedef bool (*arg_render)(const struct arg_type *t, const struct event *ev, unsigned at,
			   struct arena *a, struct arg_text *ret);

struct arg_type {
	enum arg_class class;
	arg_render render;
	enum value_type raw;	       /* of evt.rawarg.NAME: VALUE_I64, VALUE_U64 or VALUE_STR */
	const struct flag_name *flags; /* for flag types, ended by a NULL name */
};

struct sys_arg {
	const char *name; /* NULL: no such argument */
	const struct arg_type *type;
};

struct sys_call {
	uint16_t nr;
	const char *name;
	enum kind_id kind;
	uint8_t flags;	      /* enum sys_flag */
	bool ret_is_fd;	      /* the result is the descriptor the event is about */
	const char *ret_name; /* of the result as an argument; NULL: "fd" or "res" */
	uint8_t main_path;    /* which of its paths the event is about: 0 or 1 */
	struct sys_arg args[SYS_ARGS];
};

extern const struct sys_call sys_calls[];
extern const size_t sys_calls_n;

/* The row of a call number, or NULL. */
const struct sys_call *sys_call_find(unsigned nr);

/* Compiles the table for the kernel program: SYS_ROWS rows. */
void sys_rows_fill(struct sys_row *ret);

/* Which path piece (SYS_PATH0 or SYS_PATH1) argument @at is; -1: none. */
int sys_arg_piece(const struct sys_call *c, unsigned at);

/* Whether the event is about a path that the call names. */
bool sys_has_path(const struct sys_call *c);

/* Flags and mode of a call that opens; false: it is none, or they could not be read. */
struct open_how_args {
	uint64_t flags, mode; /* mode 0 when the call creates nothing */
};

bool sys_open_args(const struct sys_call *c, const struct rec_syscall *r, struct open_how_args *ret);

/* The place of the result among arguments. */
#define AT_RESULT SYS_ARGS

/* The type of argument @at or of the result, NULL for none; its name in *ret_name. */
const struct arg_type *sys_arg_type(const struct sys_call *c, unsigned at, const char **ret_name);

extern const struct arg_type arg_dec, arg_len, arg_hex, arg_id, arg_uid, arg_gid, arg_fd,
	arg_fd_other, arg_path, arg_text, arg_dir, arg_addr, arg_peer, arg_tuple, arg_data, arg_msg,
	arg_done, arg_errno, arg_result_fd, arg_octal, arg_open_mode, arg_mode, arg_mknod_mode,
	arg_open_flags, arg_fd_flags, arg_resolve, arg_at_flags, arg_clone_flags, arg_mount_flags,
	arg_umount_flags, arg_rename_flags, arg_accept_flags, arg_module_flags, arg_unload_flags,
	arg_memfd_flags, arg_fault_flags, arg_domain, arg_ptrace, arg_bpf;
