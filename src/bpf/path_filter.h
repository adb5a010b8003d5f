/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * The filter's last dimension: the path, as user space will name it (path_resolve in probe/path.c):
 * a relative one joined to the directory it starts from, ".", ".." and "//" taken out.
 *
 *	text      .... /home/me / ../you/./x
 *	               ^start    ^PATH_BASE   ^at: read backwards
 *
 * The directory's components are written before the program's string, leaf first; then the whole is
 * read from its end. A ".." makes the next component that counts be left out.
 *
 * The text stands in a buffer of the CPU. Where programs could be preempted and the buffer is in use,
 * nothing is judged.
 *
 * Its loop is cut into pieces (VERIFIED_ONCE): then verifying it costs no more than a piece.
 */
#include "bpf/filter.h"
#include "bpf/sock.h"

#define PATH_BASE  512	/* where the program's string begins */
#define PATH_GIVEN 256	/* its room, NUL included */
#define PATH_TEXT  1024 /* masks */
#define PATH_DEEP  24	/* components and mounts of a directory */
#define PATH_CHUNK 16
#define AT_CWD_V   (-100)

struct path_text {
	u64 hit, deny;
	u32 busy;
	u32 at, start;
	u32 state, skip; /* components that a ".." takes back */
	u8 slash;	 /* class of the next one */
	u8 live;	 /* the component counts */
	u8 pad[2];
	char text[PATH_TEXT + REC_NAME_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct path_text);
} path_texts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct filter_path);
} f_path SEC(".maps");

static __always_inline u32 path_step(struct filter_path *t, struct path_text *x, u32 state, u8 class)
{
	state = t->next[state & (FILTER_PATH_STATES - 1)][class & (FILTER_PATH_CLASSES - 1)];
	if (state & FILTER_PATH_HIT) {
		x->hit |= t->out[state & (FILTER_PATH_STATES - 1)].hit;
		x->deny |= t->out[state & (FILTER_PATH_STATES - 1)].deny;
	}
	return state & (FILTER_PATH_STATES - 1);
}

static __always_inline char path_at(const struct path_text *x, u32 i)
{
	return x->text[i & (PATH_TEXT - 1)];
}

/* The component that ends at @i: whether it counts. The text begins with a slash. */
static __always_inline u8 path_counts(struct path_text *x, u32 i)
{
	if (path_at(x, i) == '.' && path_at(x, i - 1) == '/')
		return 0;
	if (path_at(x, i) == '.' && path_at(x, i - 1) == '.' && path_at(x, i - 2) == '/') {
		x->skip++;
		return 0;
	}
	if (x->skip) {
		x->skip--;
		return 0;
	}
	return 1;
}

/*
 * Reads on; returns whether that was all. What decides about a byte is read from the text each time:
 * then every turn of the loop looks the same to the verifier.
 */
VERIFIED_ONCE int path_chunk(u32 zero)
{
	struct path_text *x = bpf_map_lookup_elem(&path_texts, &zero);
	struct filter_path *t = bpf_map_lookup_elem(&f_path, &zero);
	volatile u8 *live = x ? &x->live : NULL;
	u32 i, start, state;

	if (!x || !t)
		return 1;
	i = x->at;
	start = x->start;
	state = x->state & (FILTER_PATH_STATES - 1);
	for (int n = 0; n < PATH_CHUNK && i >= start; n++, i--) {
		u8 c = path_at(x, i);
		u8 class = t->class[c];

		if (c == '/') {
			class = x->slash;
			if (*live)
				x->slash = t->class['/'];
		} else if (path_at(x, i + 1) == '/') {
			*live = path_counts(x, i);
		}
		if (*live)
			state = path_step(t, x, state, class);
		if (c == '/')
			*live = 0;
	}
	x->at = i;
	x->state = state;
	return i < start;
}

/* A directory entry's parent and name. */
struct path_entry {
	struct dentry *parent;
	u64 hash_len; /* the length in its upper half */
	u64 name;
};

/* In one read, where they stand together, as they have so far. */
static __always_inline u32 path_entry_read(struct dentry *d, struct path_entry *ret)
{
	const u32 parent = bpf_core_field_offset(struct dentry, d_parent);
	const u32 name = bpf_core_field_offset(struct dentry, d_name);

	if (name == parent + 8 && bpf_core_field_offset(struct dentry, d_name.len) == name + 4 &&
	    bpf_core_field_offset(struct dentry, d_name.name) == name + 8) {
		bpf_probe_read_kernel(ret, sizeof(*ret), (void *)d + parent);
		return ret->hash_len >> 32;
	}
	ret->parent = BPF_CORE_READ(d, d_parent);
	ret->name = (u64)BPF_CORE_READ(d, d_name.name);
	return BPF_CORE_READ(d, d_name.len);
}

/* Writes the directory's path before the text, as walk_path goes; false: too deep or too long. */
VERIFIED_ONCE int path_base(u64 dentry, u64 mount, u32 zero)
{
	struct path_text *x = bpf_map_lookup_elem(&path_texts, &zero);
	struct dentry *d = (void *)dentry, *root;
	struct vfsmount *vm = (void *)mount;
	const u32 mnt_off = bpf_core_field_offset(struct mount, mnt);
	struct path_entry e;
	bool more = true;

	root = BPF_CORE_READ(vm, mnt_root);
	for (int n = 0; x && n < PATH_DEEP && more; n++) {
		u32 len, at = x->start;

		if (d == root) {
			struct mount *m = (void *)vm - mnt_off;
			struct mount *up = BPF_CORE_READ(m, mnt_parent);

			d = BPF_CORE_READ(m, mnt_mountpoint);
			vm = (void *)up + mnt_off;
			root = BPF_CORE_READ(vm, mnt_root);
			more = m != up;
			continue;
		}
		len = path_entry_read(d, &e);
		if (len >= REC_NAME_MAX || len + 2 > at || at > PATH_BASE)
			return 0;
		at -= len;
		if (bpf_probe_read_kernel(x->text + (at & (PATH_BASE - 1)),
					  len & (REC_NAME_MAX - 1), (void *)e.name) != 0)
			return 0;
		x->text[(at - 1) & (PATH_BASE - 1)] = '/';
		x->start = at - 1;
		more = d != e.parent;
		d = e.parent;
	}
	return !more;
}

/* Puts the path into the text; false: it cannot be judged. @copied: it is in the kernel's memory. */
static __always_inline bool path_read(struct path_text *x, u64 given, int dir, const bool copied)
{
	struct task_struct *t;
	struct fs_struct *fs;
	struct path base = {};
	struct file *f;
	long n;

	if (copied)
		n = bpf_probe_read_kernel_str(x->text + PATH_BASE, PATH_GIVEN, (void *)given);
	else
		n = bpf_probe_read_user_str(x->text + PATH_BASE, PATH_GIVEN, (void *)given);
	if (n <= 1 || n >= PATH_GIVEN)
		return false;
	x->at = PATH_BASE + n - 2;
	x->text[(x->at + 1) & (PATH_TEXT - 1)] = '/'; /* in place of the NUL: here a component ends */
	x->start = PATH_BASE;
	if (x->text[PATH_BASE] == '/')
		return true;
	x->start = PATH_BASE - 1;
	x->text[PATH_BASE - 1] = '/';
	t = (void *)bpf_get_current_task();
	if (dir == AT_CWD_V) {
		fs = BPF_CORE_READ(t, fs);
		BPF_CORE_READ_INTO(&base, fs, pwd);
	} else {
		f = task_file(t, dir);
		BPF_CORE_READ_INTO(&base, f, f_path);
	}
	return base.dentry && path_base((u64)base.dentry, (u64)base.mnt, 0);
}

/* What the text in @x leaves of the clauses; @other: of a path in which nothing is found. */
static __always_inline u64 path_judge(struct path_text *x, struct filter_path *t, u64 other)
{
	bool done = false;

	x->hit = x->deny = 0;
	x->state = FILTER_PATH_BEGIN;
	x->skip = 0;
	x->slash = t->cut;
	x->live = 0;
	for (int n = 0; n < (PATH_BASE + PATH_GIVEN) / PATH_CHUNK && !done; n++)
		done = path_chunk(0);
	if (!done)
		return ~0ull;
	if (x->state == FILTER_PATH_BEGIN) /* all was taken out: the root */
		x->state = path_step(t, x, x->state, t->cut);
	path_step(t, x, x->state, FILTER_PATH_STOP);
	return (other | x->hit) & ~x->deny;
}

/* The clauses that the beginning of an absolute, normal path leaves. */
static __always_inline u64 path_heads(const struct path_text *x, const struct filter_path *t,
				      u64 other)
{
	u64 first = *(const u64 *)(x->text + PATH_BASE), mask = other | ~t->headed;

	for (int i = 0; i < FILTER_PATH_HEADS; i++)
		if (!((first ^ t->head[i].word) & t->head[i].mask))
			mask |= t->head[i].clauses;
	return mask;
}

/* The high bit of each byte of @v that is zero, and perhaps of some after it. */
static __always_inline u64 zero_bytes(u64 v)
{
	return (v - 0x0101010101010101ull) & ~v & 0x8080808080808080ull;
}

#define EACH_BYTE(c) (0x0101010101010101ull * (c))

/* False when "/." or "//" may stand in the program's string; eight bytes at a time. */
static __always_inline bool path_normal(const struct path_text *x)
{
	const u64 *p = (const u64 *)(x->text + PATH_BASE);

	for (u32 i = 0; i < PATH_GIVEN / 8; i++) {
		u64 here = p[i], after = here >> 8 | p[i + 1] << 56;

		if (PATH_BASE + i * 8 > x->at)
			return true;
		if (zero_bytes(here ^ EACH_BYTE('/')) &
		    (zero_bytes(after ^ EACH_BYTE('.')) | zero_bytes(after ^ EACH_BYTE('/'))))
			return false;
	}
	return false;
}

static __always_inline u64 path_mask(u64 given, int dir, u64 other, u64 want, const bool copied)
{
	u32 zero = 0;
	struct path_text *x = bpf_map_lookup_elem(&path_texts, &zero);
	struct filter_path *t = bpf_map_lookup_elem(&f_path, &zero);
	u64 mask = ~0ull;

	if (!x || !t || x->busy)
		return mask;
	*(volatile u32 *)&x->busy = 1;
	if (path_read(x, given, dir, copied)) {
		if (x->start == PATH_BASE && !(want & path_heads(x, t, other)) && path_normal(x))
			mask = 0;
		else
			mask = path_judge(x, t, other);
	}
	*(volatile u32 *)&x->busy = 0;
	return mask;
}

/*
 * The clauses of @want that a path leaves: the string at @given in the program's memory, which starts, when
 * relative, from the directory @dir.
 */
VERIFIED_ONCE u64 filter_path(u64 given, int dir, u64 other, u64 want)
{
	return path_mask(given, dir, other, want, false);
}

/* The same of a string that the kernel has copied already. */
VERIFIED_ONCE u64 filter_path_copied(u64 given, int dir, u64 other, u64 want)
{
	return path_mask(given, dir, other, want, true);
}
