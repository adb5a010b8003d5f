/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * The kernel types the probes read, and of them only the members they read. Offsets come from the
 * running kernel's BTF (CO-RE), so order and size here mean nothing. A member that was renamed
 * stands in a struct with a flavour suffix (___old, ___new), and is chosen by bpf_core_field_exists.
 */
#include <linux/types.h>

typedef _Bool bool;
enum {
	false = 0,
	true = 1
};
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;
typedef __u16 __sum16_v;
typedef int pid_t;

/* Map types and flags the programs name. */
enum bpf_map_type_v {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_HASH = 5,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_LPM_TRIE = 11,
	BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
	BPF_MAP_TYPE_SK_STORAGE = 24,
	BPF_MAP_TYPE_RINGBUF = 27,
	BPF_MAP_TYPE_TASK_STORAGE = 29,
};
enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
	BPF_EXIST = 2,
	BPF_F_NO_PREALLOC = 1,
	BPF_F_MMAPABLE = 1024,
	BPF_F_SKIP_FIELD_MASK = 255,
	BPF_F_USER_STACK = 256,
	BPF_LOCAL_STORAGE_GET_F_CREATE = 1,
	BPF_SK_STORAGE_GET_F_CREATE = 1,
};
enum {
	BPF_RB_NO_WAKEUP = 1,
	BPF_RB_FORCE_WAKEUP = 2,
	BPF_RB_AVAIL_DATA = 0,
	BPF_RB_PROD_POS = 3,
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct qstr {
	u32 len;
	const unsigned char *name;
};

struct super_block {
	unsigned long s_magic;
	u32 s_dev;
};

struct inode {
	u16 i_mode;
	unsigned long i_ino;
	struct super_block *i_sb;
	u32 i_generation;
};

struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
};

struct vfsmount {
	struct dentry *mnt_root;
};

struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	unsigned int f_flags;
	struct path f_path;
	unsigned int f_mode;
	struct inode *f_inode;
	void *private_data;
};

struct kiocb {
	struct file *ki_filp;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct fs_struct {
	struct path root;
	struct path pwd;
};

struct kernfs_node {
	u64 id;
	const char *name;
};

struct cgroup_root {
	int hierarchy_id;
};

struct cgroup {
	struct kernfs_node *kn;
	int level;
	struct cgroup_root *root;
};

struct cgroup_subsys_state {
	struct cgroup *cgroup;
};

struct css_set {
	struct cgroup_subsys_state *subsys[16];
	struct cgroup *dfl_cgrp;
};

typedef struct {
	u32 val;
} kuid_t;
typedef struct {
	u32 val;
} kgid_t;

/* Two u32 before Linux 6.3, one u64 since: eight bytes either way. */
struct cap_bytes {
	u64 val;
};

struct cred {
	kuid_t uid, euid;
	kgid_t gid, egid;
	struct cap_bytes cap_inheritable, cap_permitted, cap_effective;
};

struct upid {
	int nr;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

struct tty_driver {
	int major, minor_start;
};

struct tty_struct {
	int index;
	struct tty_driver *driver;
};

typedef struct {
	int counter;
} atomic_t;

struct signal_struct {
	atomic_t live;
	int group_exit_code;
	unsigned int flags;
	struct pid *pids[4];
	struct tty_struct *tty;
	u64 utime, stime;
	unsigned long maxrss;
	short oom_score_adj;
};

struct percpu_counter {
	s64 count;
};

/* Since Linux 6.1 the tree of a process's mappings; nodes in bpf/vma.h. */
struct maple_tree {
	void *ma_root;
};

struct maple_range_64 {
	void *parent;
	unsigned long pivot[15];
	void *slot[16];
};

struct maple_arange_64 {
	void *parent;
	unsigned long pivot[9];
	void *slot[10];
};

/* Before. */
struct rb_node {
	struct rb_node *rb_right, *rb_left;
};

struct rb_root {
	struct rb_node *rb_node;
};

struct vm_area_struct {
	unsigned long vm_start, vm_end;
	struct mm_struct *vm_mm;
	unsigned long vm_flags;
	unsigned long vm_pgoff;
	struct file *vm_file;
};

struct vm_area_struct___rb {
	struct rb_node vm_rb;
};

typedef struct {
	void *vdso;
} mm_context_t;

struct mm_struct {
	struct maple_tree mm_mt;
	mm_context_t context;
	unsigned long arg_start, arg_end, env_start, env_end;
	struct file *exe_file;
	unsigned long total_vm;
	struct percpu_counter rss_stat[4];
};

/* Before Linux 6.2. */
typedef struct {
	s64 counter;
} atomic_long_t___old;

struct mm_rss_stat {
	atomic_long_t___old count[4];
};

struct mm_struct___old {
	struct mm_rss_stat rss_stat;
};

/* Since Linux 6.4, and since 6.13; both only with CONFIG_PER_VMA_LOCK. */
struct mm_struct___seq {
	int mm_lock_seq;
};

typedef struct seqcount {
	unsigned int sequence;
} seqcount_t;

struct mm_struct___seqcount {
	seqcount_t mm_lock_seq;
};

struct mm_struct___rb {
	struct rb_root mm_rb;
};

/* A run queue of the fair class. */
struct cfs_rq {
	int throttle_count;
	u64 throttled_clock_pelt_time;
	struct rq *rq;
};

/* A CPU's. */
struct rq {
	u64 clock;
};

struct sched_info {
	unsigned long long run_delay;	/* waits for a CPU that are over */
	unsigned long long last_queued; /* it waits since, by its run queue's clock; 0: it does not */
};

/* Before Linux 5.18. */
struct cfs_rq___old {
	u64 throttled_clock_task_time;
};

struct sched_entity {
	struct cfs_rq *cfs_rq;
};

struct thread_info {
	u32 status;
};

struct thread_struct {
	unsigned long sp; /* while it is not running */
	unsigned long fsbase;
};

struct task_struct {
	struct thread_struct thread;
	struct thread_info thread_info;
	unsigned int __state;
	int prio;
	struct sched_entity se;
	struct sched_info sched_info;
	unsigned in_iowait : 1;
	unsigned int flags;
	pid_t pid, tgid;
	struct task_struct *group_leader;
	struct task_struct *real_parent;
	u64 start_boottime;
	const struct cred *cred;
	const struct cred *real_cred;
	char comm[16];
	struct mm_struct *mm;
	struct fs_struct *fs;
	struct files_struct *files;
	struct signal_struct *signal;
	struct pid *thread_pid;
	struct css_set *cgroups;
	kuid_t loginuid;
	int exit_code, exit_state;
	u64 utime, stime;
	void *stack;
};

/* Before Linux 5.14. */
struct task_struct___old {
	volatile long state;
};

/* Since 6.18. */
struct task_struct___throttled {
	bool throttled;
};

struct linux_binprm {
	struct file *file;
	const char *filename;
	int argc, envc;
};

struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8;
	unsigned long ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss;
};

struct in6_addr {
	union {
		u8 u6_addr8[16];
		u32 u6_addr32[4];
	} in6_u;
};

struct net;

typedef struct {
	struct net *net;
} possible_net_t;

struct sock_common {
	possible_net_t skc_net;
	u32 skc_daddr;
	u32 skc_rcv_saddr;
	u16 skc_dport;
	u16 skc_num;
	u16 skc_family;
	volatile u8 skc_state;
	unsigned long skc_flags;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};

struct sock_cgroup_data {
	struct cgroup *cgroup;
};

struct sock {
	struct sock_common __sk_common;
	u16 sk_type;
	u16 sk_protocol;
	int sk_err;
	struct sock_cgroup_data sk_cgrp_data;
	struct socket *sk_socket;
	unsigned sk_kern_sock : 1;
};

/* Before Linux 5.15: a pointer to the cgroup unless bit 0 says that it is something else. */
struct sock_cgroup_data___old {
	u64 val;
};

struct sock___old {
	struct sock_cgroup_data___old sk_cgrp_data;
};

struct inet_sock {
	struct sock sk;
	u16 inet_sport;
};

struct tcp_sock {
	u64 bytes_received, bytes_sent, bytes_retrans, bytes_acked;
	u32 segs_in, segs_out, srtt_us, total_retrans, lost;
	u32 copied_seq, rcv_nxt, write_seq, snd_nxt, snd_una;
};

struct tcp_ulp_ops;

struct inet_connection_sock {
	const struct tcp_ulp_ops *icsk_ulp_ops;
};

struct socket {
	short type;
	struct file *file;
	struct sock *sk;
};

struct sockaddr_un {
	u16 sun_family;
	char sun_path[108];
};

struct unix_address {
	int len;
	struct sockaddr_un name[0];
};

struct unix_sock {
	struct sock sk;
	struct unix_address *addr;
	struct path path;
	struct sock *peer;
};

struct seq_file {
	void *private;
};

struct bpf_iter_meta {
	struct seq_file *seq;
	u64 session_id, seq_num;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

struct bpf_iter__bpf_map_elem {
	struct bpf_iter_meta *meta;
	void *key, *value;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	u32 fd;
	struct file *file;
};

struct kernel_siginfo {
	int si_signo;
	int si_errno;
	int si_code;
};

/* The tracepoint's own record: that it has `comm` says that its argument is a task (since 6.8). */
struct trace_event_raw_mark_victim {
	u32 __data_loc_comm;
};

struct module {
	char name[56];
	unsigned long taints;
};

#pragma clang attribute pop

/* What programs on sockets are given: the kernel's user-space interface, fixed up to here. */
struct bpf_sock {
	u32 bound_dev_if, family, type, protocol, mark, priority;
	u32 src_ip4, src_ip6[4], src_port, dst_port;
};

struct bpf_sock_addr {
	u32 user_family, user_ip4, user_ip6[4], user_port;
	u32 family, type, protocol, msg_src_ip4, msg_src_ip6[4];
	struct bpf_sock *sk __attribute__((aligned(8)));
};

struct __sk_buff {
	u32 len, pkt_type, mark, queue_mapping, protocol;
};

/* Named values that may differ between kernels: read with bpf_core_enum_value. */
enum cgroup_subsys_id {
	cpu_cgrp_id,
	memory_cgrp_id,
	pids_cgrp_id,
};

enum bpf_func_id {
	BPF_FUNC_for_each_map_elem = 164,
	BPF_FUNC_get_current_task_btf = 158,
	BPF_FUNC_task_pt_regs = 175,
	BPF_FUNC_cgrp_storage_get = 210,
};
