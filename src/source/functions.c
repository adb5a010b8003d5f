/* A uprobe each, at the entry and the return: the kernel's own return probe, or one at each return. */
#include "source/functions.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

#define FUNCTIONS 16 /* of one library */
#define RETURNS	  8  /* of one function */

struct place {
	uint64_t off; /* in the file */
	uint32_t depth;
};

/* Where one of them is cheap to probe. */
struct cheap {
	bool has_entry;
	struct place entry, ret[RETURNS];
	size_t n;
	bool over; /* more returns than that */
};

/* What those who find places are called with. */
struct file {
	struct loaded *probe;
	const struct probe_library *lib;
	char path[32]; /* by our own descriptor: what was read is what is probed */
	struct cheap cheap[FUNCTIONS];
};

static int cheap_add(void *ctx, size_t i, int place, uint64_t off, uint32_t depth)
{
	struct cheap *c = &((struct file *)ctx)->cheap[i];
	struct place at = { off, depth };

	if (place == 0) {
		c->has_entry = true;
		c->entry = at;
	} else if (c->n == RETURNS) {
		c->over = true;
	} else {
		c->ret[c->n++] = at;
	}
	return 0;
}

static int at_symbol(const struct file *f, const char *program, const char *symbol, bool ret)
{
	LIBBPF_OPTS(bpf_uprobe_opts, opts, .func_name = symbol, .retprobe = ret);
	struct bpf_program *prog = bpf_object__find_program_by_name(f->probe->obj, program);

	return prog ? loaded_keep(f->probe,
				  bpf_program__attach_uprobe_opts(prog, -1, f->path, 0, &opts)) :
		      -ENOENT;
}

static int at_place(const struct file *f, const char *program, struct place at, bool ret)
{
	LIBBPF_OPTS(bpf_uprobe_opts, opts, .bpf_cookie = at.depth, .retprobe = ret);
	struct bpf_program *prog = bpf_object__find_program_by_name(f->probe->obj, program);

	return prog ? loaded_keep(f->probe, bpf_program__attach_uprobe_opts(prog, -1, f->path,
									    (size_t)at.off, &opts)) :
		      -ENOENT;
}

/* Returns first: an entry without a return leaves notes. */
static int attach_usual(const struct file *f, const struct probe_function *fn)
{
	int err = 0;

	if (fn->ret)
		err = at_symbol(f, fn->ret, fn->symbol, true);
	if (!err && fn->entry)
		err = at_symbol(f, fn->entry, fn->symbol, false);
	return err;
}

/* -EOPNOTSUPP: not here, and nothing has been attached. */
static int attach_cheap(const struct file *f, const struct probe_function *fn, const struct cheap *c)
{
	bool plain = fn->ret && fn->entry && c->n && !c->over;
	int err = 0;

	if (!plain && (!c->has_entry || (fn->ret && c->entry.depth)))
		return -EOPNOTSUPP;
	if (fn->ret && !plain)
		err = at_place(f, fn->ret, c->entry, true);
	for (size_t i = 0; plain && i < c->n && !err; i++)
		err = at_place(f, fn->ret, c->ret[i], false);
	if (err || !fn->entry)
		return err;
	return c->has_entry ? at_place(f, fn->entry, c->entry, false) :
			      at_symbol(f, fn->entry, fn->symbol, false);
}

static int library_attach_all(struct file *f)
{
	const struct probe_function *list = f->lib->functions;

	for (size_t i = 0; list[i].symbol; i++) {
		int err = i < FUNCTIONS ? attach_cheap(f, &list[i], &f->cheap[i]) : -EOPNOTSUPP;

		if (err == -EOPNOTSUPP)
			err = attach_usual(f, &list[i]);
		if (err && (i == 0 || err != -ENOENT))
			return err;
	}
	return 0;
}

static int go_attach(void *ctx, size_t i, int place, uint64_t off)
{
	const struct file *f = ctx;
	const struct probe_function *fn = &f->lib->functions[i];
	const char *name = place == 0		      ? fn->entry :
			   place == 2 && fn->ret_kept ? fn->ret_kept :
							fn->ret;
	int err = at_place(f, name, (struct place){ off, 0 }, false);

	return err == -ENOENT ? -EINVAL : err;
}

int functions_attach(struct loaded *p, const struct probe_library *lib, const char *path)
{
	struct file f = { .probe = p, .lib = lib };
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	const char *names[FUNCTIONS];
	size_t n = 0;

	if (fd < 0)
		return lib->go ? -ENOENT : -errno;
	while (n < FUNCTIONS && lib->functions[n].symbol) {
		names[n] = lib->functions[n].symbol;
		n++;
	}
	snprintf(f.path, sizeof(f.path), "/proc/self/fd/%d", fd);
	if (lib->go)
		return p->find.go ? p->find.go(fd, names, n, go_attach, &f) : -ENOENT;
	/* What cannot be found is probed where it begins. */
	if (p->find.cheap && p->find.cheap(fd, names, n, cheap_add, &f) != 0)
		memset(f.cheap, 0, sizeof(f.cheap));
	return library_attach_all(&f);
}
