/* The rows. One line a call; see table.h. */
#include "probe/syscall/table.h"

#include <asm/unistd_64.h>
#include <fcntl.h>

/* O_TMPFILE without the O_DIRECTORY in it. */
#define O_TMPFILE_BIT 020000000

/* clang-format off */
const struct sys_call sys_calls[] = {
	/* Programs: only failures; success is the process probe's. */
	{ __NR_execve, "execve", KIND_EXEC, SYS_FAILED, .args = { { "filename", &arg_path } } },
	{ __NR_execveat, "execveat", KIND_EXEC, SYS_FAILED,
	  .args = { { "dirfd", &arg_dir }, { "pathname", &arg_path }, { NULL }, { NULL },
		    { "flags", &arg_at_flags } } },

	/* Files. */
	{ __NR_open, "open", KIND_OPEN,
	  .args = { { "name", &arg_path }, { "flags", &arg_open_flags }, { "mode", &arg_open_mode } } },
	{ __NR_openat, "openat", KIND_OPEN,
	  .args = { { "dirfd", &arg_dir }, { "name", &arg_path }, { "flags", &arg_open_flags },
		    { "mode", &arg_open_mode } } },
	{ __NR_openat2, "openat2", KIND_OPEN, SYS_HOW,
	  .args = { { "dirfd", &arg_dir }, { "name", &arg_path }, { "flags", &arg_open_flags },
		    { "mode", &arg_open_mode }, { "resolve", &arg_resolve } } },
	{ __NR_open_by_handle_at, "open_by_handle_at", KIND_OPEN, .ret_is_fd = true,
	  .args = { { "mountfd", &arg_fd_other }, { NULL }, { "flags", &arg_open_flags } } },
	{ __NR_creat, "creat", KIND_OPEN, SYS_CREAT,
	  .args = { { "name", &arg_path }, { "mode", &arg_open_mode } } },
	{ __NR_mkdir, "mkdir", KIND_CREATE,
	  .args = { { "path", &arg_path }, { "mode", &arg_octal } } },
	{ __NR_mkdirat, "mkdirat", KIND_CREATE,
	  .args = { { "dirfd", &arg_dir }, { "path", &arg_path }, { "mode", &arg_octal } } },
	{ __NR_mknod, "mknod", KIND_CREATE,
	  .args = { { "path", &arg_path }, { "mode", &arg_mknod_mode }, { "dev", &arg_hex } } },
	{ __NR_mknodat, "mknodat", KIND_CREATE,
	  .args = { { "dirfd", &arg_dir }, { "path", &arg_path }, { "mode", &arg_mknod_mode },
		    { "dev", &arg_hex } } },
	{ __NR_symlink, "symlink", KIND_CREATE, .main_path = 1,
	  .args = { { "target", &arg_text }, { "linkpath", &arg_path } } },
	{ __NR_symlinkat, "symlinkat", KIND_CREATE, .main_path = 1,
	  .args = { { "target", &arg_text }, { "linkdirfd", &arg_dir }, { "linkpath", &arg_path } } },
	{ __NR_unlink, "unlink", KIND_DELETE, .args = { { "path", &arg_path } } },
	{ __NR_unlinkat, "unlinkat", KIND_DELETE,
	  .args = { { "dirfd", &arg_dir }, { "name", &arg_path }, { "flags", &arg_at_flags } } },
	{ __NR_rmdir, "rmdir", KIND_DELETE, .args = { { "path", &arg_path } } },
	{ __NR_rename, "rename", KIND_RENAME,
	  .args = { { "oldpath", &arg_path }, { "newpath", &arg_path } } },
	{ __NR_renameat, "renameat", KIND_RENAME,
	  .args = { { "olddirfd", &arg_dir }, { "oldpath", &arg_path }, { "newdirfd", &arg_dir },
		    { "newpath", &arg_path } } },
	{ __NR_renameat2, "renameat2", KIND_RENAME,
	  .args = { { "olddirfd", &arg_dir }, { "oldpath", &arg_path }, { "newdirfd", &arg_dir },
		    { "newpath", &arg_path }, { "flags", &arg_rename_flags } } },
	{ __NR_link, "link", KIND_LINK,
	  .args = { { "oldpath", &arg_path }, { "newpath", &arg_path } } },
	{ __NR_linkat, "linkat", KIND_LINK,
	  .args = { { "olddir", &arg_dir }, { "oldpath", &arg_path }, { "newdir", &arg_dir },
		    { "newpath", &arg_path }, { "flags", &arg_at_flags } } },
	{ __NR_chmod, "chmod", KIND_CHMOD,
	  .args = { { "filename", &arg_path }, { "mode", &arg_mode } } },
	{ __NR_fchmod, "fchmod", KIND_CHMOD,
	  .args = { { "fd", &arg_fd }, { "mode", &arg_mode } } },
	{ __NR_fchmodat, "fchmodat", KIND_CHMOD,
	  .args = { { "dirfd", &arg_dir }, { "filename", &arg_path }, { "mode", &arg_mode } } },
#ifdef __NR_fchmodat2
	{ __NR_fchmodat2, "fchmodat2", KIND_CHMOD,
	  .args = { { "dirfd", &arg_dir }, { "filename", &arg_path }, { "mode", &arg_mode },
		    { "flags", &arg_at_flags } } },
#endif
	{ __NR_chown, "chown", KIND_CHMOD,
	  .args = { { "path", &arg_path }, { "uid", &arg_id }, { "gid", &arg_id } } },
	{ __NR_lchown, "lchown", KIND_CHMOD,
	  .args = { { "path", &arg_path }, { "uid", &arg_id }, { "gid", &arg_id } } },
	{ __NR_fchown, "fchown", KIND_CHMOD,
	  .args = { { "fd", &arg_fd }, { "uid", &arg_id }, { "gid", &arg_id } } },
	{ __NR_fchownat, "fchownat", KIND_CHMOD,
	  .args = { { "dirfd", &arg_dir }, { "pathname", &arg_path }, { "uid", &arg_id },
		    { "gid", &arg_id }, { "flags", &arg_at_flags } } },
	{ __NR_mount, "mount", KIND_MOUNT, .main_path = 1,
	  .args = { { "dev", &arg_text }, { "dir", &arg_path }, { NULL },
		    { "flags", &arg_mount_flags } } },
	{ __NR_umount2, "umount2", KIND_MOUNT,
	  .args = { { "name", &arg_path }, { "flags", &arg_umount_flags } } },
	{ __NR_move_mount, "move_mount", KIND_MOUNT, .main_path = 1,
	  .args = { { "from_dirfd", &arg_dir }, { "from_path", &arg_path }, { "to_dirfd", &arg_dir },
		    { "to_path", &arg_path }, { "flags", &arg_hex } } },

	/* Sockets. An argument that is not shown as itself lends its place to the tuple. */
	{ __NR_socket, "socket", KIND_SOCKET, .ret_is_fd = true,
	  .args = { { "domain", &arg_domain }, { "type", &arg_dec }, { "proto", &arg_dec } } },
	{ __NR_connect, "connect", KIND_CONNECT, SYS_PEER,
	  .args = { { "fd", &arg_fd }, { "addr", &arg_addr }, { "tuple", &arg_tuple } } },
	{ __NR_accept, "accept", KIND_ACCEPT, .ret_is_fd = true,
	  .args = { { "listenfd", &arg_dec }, { "tuple", &arg_tuple } } },
	{ __NR_accept4, "accept4", KIND_ACCEPT, .ret_is_fd = true,
	  .args = { { "listenfd", &arg_dec }, { "tuple", &arg_tuple }, { NULL },
		    { "flags", &arg_accept_flags } } },
	{ __NR_bind, "bind", KIND_BIND,
	  .args = { { "fd", &arg_fd }, { "addr", &arg_addr } } },
	{ __NR_listen, "listen", KIND_LISTEN,
	  .args = { { "fd", &arg_fd }, { "backlog", &arg_dec } } },
	{ __NR_close, "close", KIND_CLOSE, SYS_ENTER, .args = { { "fd", &arg_fd } } },
	{ __NR_sendto, "sendto", KIND_SEND, SYS_PEER,
	  .args = { { "fd", &arg_fd }, { "data", &arg_data }, { "size", &arg_len }, { NULL },
		    { "tuple", &arg_peer } } },
	{ __NR_sendmsg, "sendmsg", KIND_SEND, SYS_PEER,
	  .args = { { "fd", &arg_fd }, { "data", &arg_msg }, { "size", &arg_done },
		    { "tuple", &arg_tuple } } },
	{ __NR_sendmmsg, "sendmmsg", KIND_SEND, SYS_PEER | SYS_MANY,
	  .args = { { "fd", &arg_fd }, { "data", &arg_msg }, { NULL }, { "tuple", &arg_tuple } } },
	{ __NR_recvfrom, "recvfrom", KIND_RECV, SYS_PEER | SYS_LEN_AT,
	  .args = { { "fd", &arg_fd }, { "data", &arg_data }, { "size", &arg_len }, { NULL },
		    { "tuple", &arg_peer } } },
	{ __NR_recvmsg, "recvmsg", KIND_RECV, SYS_PEER,
	  .args = { { "fd", &arg_fd }, { "data", &arg_msg }, { "size", &arg_done },
		    { "tuple", &arg_tuple } } },
	{ __NR_recvmmsg, "recvmmsg", KIND_RECV, SYS_PEER | SYS_MANY,
	  .args = { { "fd", &arg_fd }, { "data", &arg_msg }, { NULL }, { "tuple", &arg_tuple } } },

	/* Descriptors. */
	{ __NR_dup, "dup", KIND_DUP, .ret_is_fd = true, .ret_name = "res",
	  .args = { { "oldfd", &arg_fd_other } } },
	{ __NR_dup2, "dup2", KIND_DUP, .ret_is_fd = true, .ret_name = "res",
	  .args = { { "oldfd", &arg_fd_other }, { "newfd", &arg_fd_other } } },
	{ __NR_dup3, "dup3", KIND_DUP, .ret_is_fd = true, .ret_name = "res",
	  .args = { { "oldfd", &arg_fd_other }, { "newfd", &arg_fd_other },
		    { "flags", &arg_fd_flags } } },
	{ __NR_memfd_create, "memfd_create", KIND_MEMORY, .ret_is_fd = true, .main_path = 1,
	  .args = { { "name", &arg_text }, { "flags", &arg_memfd_flags } } },
	{ __NR_userfaultfd, "userfaultfd", KIND_MEMORY, .ret_is_fd = true, .ret_name = "res",
	  .args = { { "flags", &arg_fault_flags } } },

	/* Modules. */
	{ __NR_init_module, "init_module", KIND_MODULE,
	  .args = { { NULL }, { "length", &arg_dec } } },
	{ __NR_finit_module, "finit_module", KIND_MODULE,
	  .args = { { "fd", &arg_fd }, { NULL }, { "flags", &arg_module_flags } } },
	{ __NR_delete_module, "delete_module", KIND_MODULE, .main_path = 1, /* a name, no path */
	  .args = { { "name", &arg_text }, { "flags", &arg_unload_flags } } },

	/* Control over other processes, identity, namespaces, the kernel itself. */
	{ __NR_ptrace, "ptrace", KIND_PTRACE,
	  .args = { { "request", &arg_ptrace }, { "pid", &arg_dec }, { "addr", &arg_hex },
		    { "data", &arg_hex } } },
	{ __NR_process_vm_readv, "process_vm_readv", KIND_PTRACE, .args = { { "pid", &arg_dec } } },
	{ __NR_process_vm_writev, "process_vm_writev", KIND_PTRACE, .args = { { "pid", &arg_dec } } },
	{ __NR_pidfd_getfd, "pidfd_getfd", KIND_PTRACE, .ret_is_fd = true,
	  .args = { { "pid_fd", &arg_fd_other }, { "target_fd", &arg_dec }, { "flags", &arg_hex } } },
	{ __NR_setuid, "setuid", KIND_SETID, .args = { { "uid", &arg_uid } } },
	{ __NR_setgid, "setgid", KIND_SETID, .args = { { "gid", &arg_gid } } },
	{ __NR_setgroups, "setgroups", KIND_SETID, .args = { { "size", &arg_len } } },
	{ __NR_setreuid, "setreuid", KIND_SETID,
	  .args = { { "ruid", &arg_uid }, { "euid", &arg_uid } } },
	{ __NR_setregid, "setregid", KIND_SETID,
	  .args = { { "rgid", &arg_gid }, { "egid", &arg_gid } } },
	{ __NR_setresuid, "setresuid", KIND_SETID,
	  .args = { { "ruid", &arg_uid }, { "euid", &arg_uid }, { "suid", &arg_uid } } },
	{ __NR_setresgid, "setresgid", KIND_SETID,
	  .args = { { "rgid", &arg_gid }, { "egid", &arg_gid }, { "sgid", &arg_gid } } },
	{ __NR_setfsuid, "setfsuid", KIND_SETID, .args = { { "uid", &arg_uid } } },
	{ __NR_setfsgid, "setfsgid", KIND_SETID, .args = { { "gid", &arg_gid } } },
	{ __NR_capset, "capset", KIND_SETID },
	{ __NR_setns, "setns", KIND_NS,
	  .args = { { "fd", &arg_fd }, { "nstype", &arg_clone_flags } } },
	{ __NR_unshare, "unshare", KIND_NS, .args = { { "flags", &arg_clone_flags } } },
	{ __NR_chroot, "chroot", KIND_NS, .args = { { "path", &arg_path } } },
	{ __NR_pivot_root, "pivot_root", KIND_NS,
	  .args = { { "new_root", &arg_path }, { "put_old", &arg_path } } },
	{ __NR_bpf, "bpf", KIND_BPF, .ret_name = "fd", .args = { { "cmd", &arg_bpf } } },
	{ __NR_io_uring_setup, "io_uring_setup", KIND_IO_URING,
	  .args = { { "entries", &arg_dec } } },
};
/* clang-format on */
const size_t sys_calls_n = sizeof(sys_calls) / sizeof(sys_calls[0]);

const struct sys_call *sys_call_find(unsigned nr)
{
	static const struct sys_call *by_nr[SYS_ROWS];
	static bool made;

	if (!__atomic_load_n(&made, __ATOMIC_ACQUIRE)) {
		for (size_t i = 0; i < sys_calls_n; i++)
			by_nr[sys_calls[i].nr] = &sys_calls[i];
		__atomic_store_n(&made, true, __ATOMIC_RELEASE);
	}
	return nr < SYS_ROWS ? by_nr[nr] : NULL;
}

static void row_arg(struct sys_row *row, const struct sys_call *c, unsigned at)
{
	int piece;

	if (!c->args[at].name)
		return;
	switch (c->args[at].type->class) {
	case CLASS_PATH:
		piece = sys_arg_piece(c, at);
		row->path[piece] = (uint8_t)at;
		if (at > 0 && c->args[at - 1].name && c->args[at - 1].type->class == CLASS_DIR)
			row->dir[piece] = (uint8_t)(at - 1);
		break;
	case CLASS_FD:
		row->fd = (uint8_t)at;
		break;
	case CLASS_ADDR:
		row->addr = (uint8_t)at;
		break;
	case CLASS_DATA:
		row->data = (uint8_t)at;
		break;
	case CLASS_MSG:
		row->msg = (uint8_t)at;
		break;
	case CLASS_OPEN:
		row->open = (uint8_t)at;
		break;
	case CLASS_DIR:
	case CLASS_VALUE:
		break;
	}
}

void sys_rows_fill(struct sys_row *ret)
{
	for (size_t i = 0; i < sys_calls_n; i++) {
		const struct sys_call *c = &sys_calls[i];
		struct sys_row row = {
			.used = 1,
			.kind = (uint8_t)c->kind,
			.flags = c->flags | (c->main_path ? SYS_MAIN1 : 0),
			.fd = c->ret_is_fd ? ARG_RET : ARG_NONE,
			.path = { ARG_NONE, ARG_NONE },
			.dir = { ARG_NONE, ARG_NONE },
			.addr = ARG_NONE,
			.msg = ARG_NONE,
			.data = ARG_NONE,
			.open = c->flags & SYS_CREAT ? 1 : ARG_NONE,
		};

		for (unsigned at = 0; at < SYS_ARGS; at++)
			row_arg(&row, c, at);
		ret[c->nr] = row;
	}
}

int sys_arg_piece(const struct sys_call *c, unsigned at)
{
	int piece = SYS_PATH0;

	if (!c->args[at].name || c->args[at].type->class != CLASS_PATH)
		return -1;
	for (unsigned i = 0; i < at; i++)
		if (c->args[i].name && c->args[i].type->class == CLASS_PATH)
			piece++;
	return piece <= SYS_PATH1 ? piece : -1;
}

bool sys_has_path(const struct sys_call *c)
{
	for (unsigned at = 0; at < SYS_ARGS; at++)
		if (c->args[at].type == &arg_path)
			return true;
	return false;
}

const struct arg_type *sys_arg_type(const struct sys_call *c, unsigned at, const char **ret_name)
{
	bool fd = c->ret_is_fd || c->kind == KIND_OPEN;

	if (at < SYS_ARGS) {
		*ret_name = c->args[at].name;
		return c->args[at].name ? c->args[at].type : NULL;
	}
	if (at != AT_RESULT)
		return NULL;
	*ret_name = c->ret_name ? c->ret_name : fd ? "fd" : "res";
	return fd || c->kind == KIND_BPF ? &arg_result_fd : &arg_errno;
}

bool sys_open_args(const struct sys_call *c, const struct rec_syscall *r, struct open_how_args *ret)
{
	struct open_how_args o = { 0 };
	bool found = c->flags & SYS_CREAT;

	if (c->kind != KIND_OPEN || ((c->flags & SYS_HOW) && !(r->info & SYS_HOW_READ)))
		return false;
	if (found)
		o.flags = O_CREAT | O_WRONLY | O_TRUNC;
	for (unsigned at = 0; at < SYS_ARGS; at++) {
		if (c->args[at].type == &arg_open_flags) {
			o.flags = c->flags & SYS_HOW ? r->args[at] : (uint32_t)r->args[at];
			found = true;
		} else if (c->args[at].type == &arg_open_mode) {
			o.mode = r->args[at] & 07777;
		}
	}
	if (!(o.flags & (O_CREAT | O_TMPFILE_BIT)))
		o.mode = 0;
	*ret = o;
	return found;
}
