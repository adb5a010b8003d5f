/* The tables; what sysdig does not name comes last in each. */
#include "probe/syscall/arg_names.h"

#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/sched.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define F(x) { x, #x }

const struct flag_name open_names[] = {
	{ 0100000, "O_LARGEFILE" },
	F(O_TMPFILE),
	F(O_DIRECTORY),
	F(O_DIRECT),
	F(O_TRUNC),
	F(O_SYNC),
	F(O_NONBLOCK),
	F(O_EXCL),
	F(O_DSYNC),
	F(O_APPEND),
	F(O_CREAT),
	{ ACCESS(4), "O_RDWR" },
	{ ACCESS(2), "O_WRONLY" },
	{ ACCESS(1), "O_RDONLY" },
	{ ACCESS(8), "O_NONE" },
	F(O_CLOEXEC),
	{ CREATED_BIT, "O_F_CREATED" },
	F(O_NOCTTY),
	F(O_NOFOLLOW),
	F(O_NOATIME),
	F(O_PATH),
	{ 0, NULL },
};

const struct flag_name fd_names[] = { F(O_NONBLOCK), F(O_CLOEXEC), { 0, NULL } };

const struct flag_name resolve_names[] = {
	{ 8, "RESOLVE_BENEATH" },
	{ 16, "RESOLVE_IN_ROOT" },
	{ 2, "RESOLVE_NO_MAGICLINKS" },
	{ 4, "RESOLVE_NO_SYMLINKS" },
	{ 1, "RESOLVE_NO_XDEV" },
	{ 32, "RESOLVE_CACHED" },
	{ 0, NULL },
};

#define MODE_BITS                                                                           \
	F(S_IXOTH), F(S_IWOTH), F(S_IROTH), F(S_IXGRP), F(S_IWGRP), F(S_IRGRP), F(S_IXUSR), \
		F(S_IWUSR), F(S_IRUSR), F(S_ISVTX), F(S_ISGID), F(S_ISUID)

const struct flag_name mode_names[] = { MODE_BITS, { 0, NULL } };

const struct flag_name mknod_names[] = {
	MODE_BITS,
	{ S_IFSOCK, "S_IFSOCK" },
	{ S_IFREG, "S_IFREG" },
	{ S_IFBLK, "S_IFBLK" },
	{ S_IFCHR, "S_IFCHR" },
	{ S_IFIFO, "S_IFIFO" },
	{ 0, NULL },
};

const struct flag_name at_names[] = {
	F(AT_SYMLINK_NOFOLLOW),
	{ AT_REMOVEDIR, "AT_REMOVEDIR" },
	F(AT_SYMLINK_FOLLOW),
	F(AT_EMPTY_PATH),
	{ 0, NULL },
};

const struct flag_name clone_names[] = {
	F(CLONE_FILES),	    F(CLONE_FS),
	F(CLONE_IO),	    F(CLONE_NEWIPC),
	F(CLONE_NEWNET),    F(CLONE_NEWNS),
	F(CLONE_NEWPID),    F(CLONE_NEWUTS),
	F(CLONE_SYSVSEM),   F(CLONE_THREAD),
	F(CLONE_VM),	    F(CLONE_NEWUSER),
	F(CLONE_NEWCGROUP), { 0x80, "CLONE_NEWTIME" },
	{ 0, NULL },
};

const struct flag_name mount_names[] = {
	{ 1, "RDONLY" },
	{ 2, "NOSUID" },
	{ 4, "NODEV" },
	{ 8, "NOEXEC" },
	{ 16, "SYNCHRONOUS" },
	{ 32, "REMOUNT" },
	{ 64, "MANDLOCK" },
	{ 128, "DIRSYNC" },
	{ 1024, "NOATIME" },
	{ 2048, "NODIRATIME" },
	{ 4096, "BIND" },
	{ 8192, "MOVE" },
	{ 16384, "REC" },
	{ 32768, "SILENT" },
	{ 1 << 16, "POSIXACL" },
	{ 1 << 17, "UNBINDABLE" },
	{ 1 << 18, "PRIVATE" },
	{ 1 << 19, "SLAVE" },
	{ 1 << 20, "SHARED" },
	{ 1 << 21, "RELATIME" },
	{ 1 << 22, "KERNMOUNT" },
	{ 1 << 23, "I_VERSION" },
	{ 1 << 24, "STRICTATIME" },
	{ 1 << 25, "LAZYTIME" },
	{ 0, NULL },
};

const struct flag_name umount_names[] = {
	{ 1, "FORCE" }, { 2, "DETACH" }, { 4, "EXPIRE" }, { 8, "NOFOLLOW" }, { 0, NULL },
};

const struct flag_name module_names[] = {
	{ 1, "MODULE_INIT_IGNORE_MODVERSIONS" },
	{ 2, "MODULE_INIT_IGNORE_VERMAGIC" },
	{ 4, "MODULE_INIT_COMPRESSED_FILE" },
	{ 0, NULL },
};

const struct flag_name unload_names[] = { F(O_NONBLOCK), F(O_TRUNC), { 0, NULL } };

const struct flag_name memfd_names[] = {
	{ 1, "MFD_CLOEXEC" },	  { 2, "MFD_ALLOW_SEALING" }, { 4, "MFD_HUGETLB" },
	{ 8, "MFD_NOEXEC_SEAL" }, { 16, "MFD_EXEC" },	      { 0, NULL },
};

const struct flag_name fault_names[] = {
	F(O_NONBLOCK),
	F(O_CLOEXEC),
	{ 1, "UFFD_USER_MODE_ONLY" },
	{ 0, NULL },
};

/* Two families have two names, and sysdig shows both. */
const struct flag_name domain_names[] = {
	{ AF_UNSPEC, "AF_UNSPEC" },
	{ AF_UNIX, "AF_LOCAL|AF_UNIX" },
	F(AF_INET),
	F(AF_AX25),
	F(AF_IPX),
	F(AF_APPLETALK),
	F(AF_NETROM),
	F(AF_BRIDGE),
	F(AF_ATMPVC),
	F(AF_X25),
	F(AF_INET6),
	F(AF_ROSE),
	F(AF_DECnet),
	F(AF_NETBEUI),
	F(AF_SECURITY),
	F(AF_KEY),
	{ AF_NETLINK, "AF_ROUTE|AF_NETLINK" },
	F(AF_PACKET),
	F(AF_ASH),
	F(AF_ECONET),
	F(AF_ATMSVC),
	F(AF_RDS),
	F(AF_SNA),
	F(AF_IRDA),
	F(AF_PPPOX),
	F(AF_WANPIPE),
	F(AF_LLC),
	F(AF_IB),
	F(AF_MPLS),
	F(AF_CAN),
	F(AF_TIPC),
	F(AF_BLUETOOTH),
	F(AF_IUCV),
	F(AF_RXRPC),
	F(AF_ISDN),
	F(AF_PHONET),
	F(AF_IEEE802154),
	F(AF_CAIF),
	F(AF_ALG),
	F(AF_NFC),
	F(AF_VSOCK),
	F(AF_KCM),
	F(AF_QIPCRTR),
	F(AF_SMC),
	F(AF_XDP),
	{ 0, NULL },
};

const struct flag_name rename_names[] = {
	{ 1, "RENAME_NOREPLACE" },
	{ 2, "RENAME_EXCHANGE" },
	{ 4, "RENAME_WHITEOUT" },
	{ 0, NULL },
};

const struct flag_name accept_names[] = { F(SOCK_CLOEXEC), F(SOCK_NONBLOCK), { 0, NULL } };

const struct flag_name ptrace_names[] = {
	F(PTRACE_TRACEME),
	F(PTRACE_PEEKTEXT),
	F(PTRACE_PEEKDATA),
	{ 3, "PTRACE_PEEKUSR" },
	F(PTRACE_POKETEXT),
	F(PTRACE_POKEDATA),
	{ 6, "PTRACE_POKEUSR" },
	F(PTRACE_CONT),
	F(PTRACE_KILL),
	F(PTRACE_SINGLESTEP),
	F(PTRACE_GETREGS),
	F(PTRACE_SETREGS),
	F(PTRACE_GETFPREGS),
	F(PTRACE_SETFPREGS),
	F(PTRACE_ATTACH),
	F(PTRACE_DETACH),
	F(PTRACE_GETFPXREGS),
	F(PTRACE_SETFPXREGS),
	F(PTRACE_SYSCALL),
	F(PTRACE_SETOPTIONS),
	F(PTRACE_GETEVENTMSG),
	F(PTRACE_GETSIGINFO),
	F(PTRACE_SETSIGINFO),
	F(PTRACE_GETREGSET),
	F(PTRACE_SETREGSET),
	F(PTRACE_SEIZE),
	F(PTRACE_INTERRUPT),
	F(PTRACE_LISTEN),
	F(PTRACE_PEEKSIGINFO),
	F(PTRACE_GETSIGMASK),
	F(PTRACE_SETSIGMASK),
	{ 21, "PTRACE_OLDSETOPTIONS" },
	{ 25, "PTRACE_GET_THREAD_AREA" },
	{ 26, "PTRACE_SET_THREAD_AREA" },
	{ 30, "PTRACE_ARCH_PRCTL" },
	{ 31, "PTRACE_SYSEMU" },
	{ 32, "PTRACE_SYSEMU_SINGLESTEP" },
	{ 33, "PTRACE_SINGLEBLOCK" },
	{ 0, NULL },
};

const struct flag_name bpf_names[] = {
	F(BPF_MAP_CREATE),
	F(BPF_MAP_LOOKUP_ELEM),
	F(BPF_MAP_UPDATE_ELEM),
	F(BPF_MAP_DELETE_ELEM),
	F(BPF_MAP_GET_NEXT_KEY),
	F(BPF_PROG_LOAD),
	F(BPF_OBJ_PIN),
	F(BPF_OBJ_GET),
	F(BPF_PROG_ATTACH),
	F(BPF_PROG_DETACH),
	F(BPF_PROG_TEST_RUN),
	F(BPF_PROG_GET_NEXT_ID),
	F(BPF_MAP_GET_NEXT_ID),
	F(BPF_PROG_GET_FD_BY_ID),
	F(BPF_MAP_GET_FD_BY_ID),
	F(BPF_OBJ_GET_INFO_BY_FD),
	F(BPF_PROG_QUERY),
	F(BPF_RAW_TRACEPOINT_OPEN),
	F(BPF_BTF_LOAD),
	F(BPF_BTF_GET_FD_BY_ID),
	F(BPF_TASK_FD_QUERY),
	F(BPF_MAP_LOOKUP_AND_DELETE_ELEM),
	F(BPF_MAP_FREEZE),
	F(BPF_BTF_GET_NEXT_ID),
	F(BPF_MAP_LOOKUP_BATCH),
	F(BPF_MAP_LOOKUP_AND_DELETE_BATCH),
	F(BPF_MAP_UPDATE_BATCH),
	F(BPF_MAP_DELETE_BATCH),
	F(BPF_LINK_CREATE),
	F(BPF_LINK_UPDATE),
	F(BPF_LINK_GET_FD_BY_ID),
	F(BPF_LINK_GET_NEXT_ID),
	F(BPF_ENABLE_STATS),
	F(BPF_ITER_CREATE),
	F(BPF_LINK_DETACH),
	F(BPF_PROG_BIND_MAP),
	{ 0, NULL },
};
