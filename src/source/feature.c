/*
 * The feature table run: shared things are opened once, then every row's test in turn. What the
 * tests say to libbpf's print hook is dropped: the errno is explained instead.
 */
#include "source/feature.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "source/feature_row.h"
#include "source/tracefs.h"

#define ENOTSUPP_KERNEL 524 /* the kernel's own, not in libc's errno.h */

static const struct feature_test *const tables[] = {
	feature_tests_host,
	feature_tests_bpf,
	feature_tests_kube,
};

static const struct {
	int err;
	const char *text;
} errno_texts[] = {
	{ EPERM, "not permitted: a capability is missing" },
	{ EACCES, "refused: by permissions or by the kernel's verifier" },
	{ EINVAL, "this kernel does not know it" },
	{ ENOENT, "this kernel does not have it" },
	{ ENODEV, "there is no such device" },
	{ ENOSYS, "the kernel is built without this system call, or seccomp hides it" },
	{ EOPNOTSUPP, "this kernel is built without it" },
	{ ENOTSUPP_KERNEL, "this kernel is built without it" },
	{ ESRCH, "this kernel's type information does not have it" },
	{ EBUSY, "somebody else holds it" },
	{ ENOMEM, "not enough memory, or the limit of locked memory is too low" },
};

/* When the usual capabilities are there. */
static const char *eperm_text(const struct prober *p)
{
	if (!p->admin)
		return "not permitted without CAP_SYS_ADMIN, or forbidden by lockdown or seccomp";
	if (p->lockdown[0])
		return "not permitted although the capabilities are there: lockdown is on";
	return "not permitted although the capabilities are there: seccomp or a security module";
}

const char *feature_errno(const struct prober *p, int err)
{
	if (err == -EPERM && p->capable)
		return eperm_text(p);
	for (size_t i = 0; i < sizeof(errno_texts) / sizeof(errno_texts[0]); i++)
		if (errno_texts[i].err == -err)
			return errno_texts[i].text;
	return strerror(-err);
}

void feature_say(struct prober *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->row->reason, sizeof(p->row->reason), fmt, ap);
	va_end(ap);
	for (char *c = p->row->reason; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

enum feature_state feature_verdict(struct prober *p, const char *what, int err)
{
	if (err >= 0)
		return FEATURE_OK;
	feature_say(p, "%s: %s", what, feature_errno(p, err));
	return FEATURE_MISSING;
}

int feature_read(int dir, const char *path, char *ret, size_t size)
{
	_cleanup_(closep) int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, ret, size - 1);
	if (n < 0)
		return -errno;
	ret[n] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
	return 0;
}

int feature_mount_detached(const char *type)
{
	_cleanup_(closep) int fs = (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
	int mnt;

	if (fs < 0)
		return -errno;
	if (syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	mnt = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
	return mnt < 0 ? -errno : mnt;
}

bool feature_listed(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list; *p; p += strcspn(p, ","), p += *p == ',')
		if (strcspn(p, ",") == n && memcmp(p, word, n) == 0)
			return true;
	return false;
}

static int securityfs_open(void)
{
	_cleanup_(closep) int dir = open("/sys/kernel/security", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir >= 0 && faccessat(dir, "lsm", R_OK, 0) == 0)
		return take_fd(&dir);
	return feature_mount_detached("securityfs");
}

static void prober_open(struct prober *p)
{
	p->btf = btf__load_vmlinux_btf();
	p->btf_err = p->btf ? 0 : -errno;
	p->tracefs = tracefs_open();
	p->securityfs = securityfs_open();
	p->cgroups_err = cgroup_layout_read(&p->cgroups);
}

static void prober_close(struct prober *p)
{
	btf__free(p->btf);
	closep(&p->tracefs);
	closep(&p->securityfs);
}

static void table_run(struct prober *p, const struct feature_test *t, struct feature_report *r)
{
	for (; t->name && r->n < FEATURES_MAX; t++) {
		struct feature *f = &r->rows[r->n++];

		*f = (struct feature){
			.name = t->name,
			.purpose = t->purpose,
			.advice = t->advice,
			.required = t->required,
		};
		p->row = f;
		f->state = t->test(p, t);
		if (f->state == FEATURE_OK && !f->reason[0])
			feature_say(p, "works");
	}
}

int features_probe(struct feature_report *ret)
{
	libbpf_print_fn_t before = libbpf_set_print(NULL);
	_cleanup_(prober_close) struct prober p = { .tracefs = -1, .securityfs = -1 };

	ret->n = 0;
	prober_open(&p);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		table_run(&p, tables[i], ret);
	libbpf_set_print(before);
	return 0;
}

const struct feature *feature_find(const struct feature_report *r, const char *name)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->rows[i].name, name) == 0)
			return &r->rows[i];
	return NULL;
}

bool feature_has(const struct feature_report *r, const char *name)
{
	const struct feature *f = feature_find(r, name);

	return f && f->state != FEATURE_MISSING;
}

bool features_can_run(const struct feature_report *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->rows[i].required && r->rows[i].state == FEATURE_MISSING)
			return false;
	return true;
}

const char *feature_state_name(enum feature_state s)
{
	static const char *const names[] = { "ok", "degraded", "missing" };

	return names[s];
}
