/*
 * Rule files from disk: all are read before the first is looked at, so that errors of all are told.
 * Opened without blocking, so that a pipe in a rules directory stops nothing.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "rule/loader.h"

#define READ_BYTES 65536

struct rule_files {
	char *names[RULE_FILES_MAX];
	struct buf texts[RULE_FILES_MAX];
	size_t n;
	struct problems *problems;
	bool wrong;
};

static void files_free(struct rule_files *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->names[i]);
		buf_free(&f->texts[i]);
	}
}

__attribute__((format(printf, 3, 4))) static void file_wrong(struct rule_files *f, const char *name,
							     const char *fmt, ...)
{
	const struct rule_file file = { .name = name };
	va_list args;

	va_start(args, fmt);
	problem_add(f->problems, true, ERR_FILE, (struct place){ &file, PLACE_WHOLE }, STR_NONE,
		    fmt, args);
	va_end(args);
	f->wrong = true;
}

/* One byte more than is allowed is read, so that the loader sees that it is too much. */
static int text_read(int fd, struct buf *b)
{
	while (b->n <= RULE_FILE_BYTES_MAX) {
		char *to = buf_grow(b, READ_BYTES);
		ssize_t n = to ? read(fd, to, READ_BYTES) : 0;

		if (!to)
			return -ENOMEM;
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		b->n += (size_t)n;
	}
	return 0;
}

static int file_open(const char *path)
{
	struct stat st;
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	return S_ISREG(st.st_mode) ? take_fd(&fd) : -EMEDIUMTYPE;
}

static int file_add(struct rule_files *f, const char *path)
{
	_cleanup_(closep) int fd = -1;
	int err;

	if (f->n == RULE_FILES_MAX) {
		file_wrong(f, path, "more than %d rule files", RULE_FILES_MAX);
		return 0;
	}
	fd = file_open(path);
	if (fd == -EMEDIUMTYPE) {
		file_wrong(f, path, "not a file");
		return 0;
	}
	f->names[f->n] = strdup(path);
	if (!f->names[f->n])
		return -ENOMEM;
	err = fd < 0 ? fd : text_read(fd, &f->texts[f->n]);
	f->n++;
	if (err && err != -ENOMEM)
		file_wrong(f, path, "%s", strerror(-err));
	return err == -ENOMEM ? err : 0;
}

static int is_rules(const struct dirent *d)
{
	struct str name = str_of(d->d_name);

	return str_ends(name, STR(".yaml")) || str_ends(name, STR(".yml"));
}

static int name_order(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int directory_add(struct rule_files *f, const char *path)
{
	struct dirent **list = NULL;
	int n = scandir(path, &list, is_rules, name_order), err = 0;

	if (n < 0 && errno != ENOMEM)
		file_wrong(f, path, "%s", strerror(errno));
	else if (n < 0)
		err = -ENOMEM;
	for (int i = 0; i < n; i++) {
		_cleanup_(buf_free) struct buf b = { 0 };

		buf_printf(&b, "%s%s%s%c", path, str_ends(str_of(path), STR("/")) ? "" : "/",
			   list[i]->d_name, '\0');
		free(list[i]);
		err = err ? err : b.failed ? -ENOMEM : file_add(f, b.p);
	}
	free(list);
	return err;
}

int ruleset_load_files(const struct rule_opts *o, const char *const *paths, size_t n,
		       struct problems *problems, struct ruleset **ret)
{
	_cleanup_(files_free) struct rule_files f = { .problems = problems };
	struct rule_source sources[RULE_FILES_MAX];
	struct ruleset *rs = NULL;
	struct stat st;
	int err = 0;

	for (size_t i = 0; !err && i < n; i++)
		err = stat(paths[i], &st) == 0 && S_ISDIR(st.st_mode) ? directory_add(&f, paths[i]) :
									file_add(&f, paths[i]);
	if (err)
		return err;
	for (size_t i = 0; i < f.n; i++)
		sources[i] = (struct rule_source){ f.names[i], buf_slice(&f.texts[i]) };
	err = ruleset_load(o, sources, f.n, problems, &rs);
	if (!err && f.wrong) {
		ruleset_free(rs);
		return -EINVAL;
	}
	if (!err)
		*ret = rs;
	return err;
}
