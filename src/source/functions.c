/* A uprobe each, at the entry and the return: the kernel's own return probe, or one at each return instruction. */
#include "source/functions.h"

#include <errno.h>
#include <fcntl.h>

#include "base/cleanup.h"

#define FUNCTIONS 16 /* of one library */

static int at_symbol(struct loaded *p, const char *program, const char *path, const char *symbol,
		     bool ret)
{
	LIBBPF_OPTS(bpf_uprobe_opts, opts, .func_name = symbol, .retprobe = ret);
	struct bpf_program *prog = bpf_object__find_program_by_name(p->obj, program);

	return prog ? loaded_keep(p, bpf_program__attach_uprobe_opts(prog, -1, path, 0, &opts)) :
		      -ENOENT;
}

static int library_attach_all(struct loaded *p, const struct probe_library *lib, const char *path)
{
	for (const struct probe_function *f = lib->functions; f->symbol; f++) {
		int err = 0;

		if (f->ret) /* first: an entry without a return leaves notes */
			err = at_symbol(p, f->ret, path, f->symbol, true);
		if (!err && f->entry)
			err = at_symbol(p, f->entry, path, f->symbol, false);
		if (err && (f == lib->functions || err != -ENOENT))
			return err;
	}
	return 0;
}

/* What place_attach is called back with. */
struct place_ctx {
	struct loaded *probe;
	const struct probe_library *lib;
	const char *path;
};

static int place_attach(void *ctx, size_t i, int place, uint64_t off)
{
	const struct place_ctx *c = ctx;
	const struct probe_function *f = &c->lib->functions[i];
	const char *name = place == 0 ? f->entry : place == 2 && f->ret_kept ? f->ret_kept : f->ret;
	struct bpf_program *prog = bpf_object__find_program_by_name(c->probe->obj, name);

	if (!prog)
		return -EINVAL;
	return loaded_keep(c->probe,
			   bpf_program__attach_uprobe(prog, false, -1, c->path, (size_t)off));
}

int functions_attach(struct loaded *p, probe_places find, const struct probe_library *lib,
		     const char *path)
{
	struct place_ctx c = { p, lib, path };
	const char *names[FUNCTIONS];
	_cleanup_(closep) int fd = -1;
	size_t n = 0;

	if (!lib->go)
		return library_attach_all(p, lib, path);
	while (n < FUNCTIONS && lib->functions[n].symbol) {
		names[n] = lib->functions[n].symbol;
		n++;
	}
	fd = find ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY) : -1;
	return fd < 0 ? -ENOENT : find(fd, names, n, place_attach, &c);
}
