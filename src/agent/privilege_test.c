/* What is left after privilege_drop, seen from a child; as root, else there is nothing to drop. */
#include "agent/privilege.h"

#include <errno.h>
#include <linux/capability.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "base/cleanup.h"

#define BIT(cap) (1ull << (cap))
#define ALLOWED                                                                             \
	(BIT(CAP_SYS_PTRACE) | BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_BPF) | BIT(CAP_PERFMON) | \
	 BIT(CAP_NET_ADMIN))

static uint64_t status_caps(const char *name)
{
	_cleanup_(fclosep) FILE *f = fopen("/proc/self/status", "re");
	unsigned long long v = 0;
	char line[256], format[32];

	snprintf(format, sizeof(format), "%s: %%llx", name);
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, format, &v) == 1)
			return v;
	return ~0ull;
}

/* In a child, whose exit code says which check failed. */
static int child_checks(void)
{
	struct buf why = { 0 };
	struct privilege p;
	uint64_t before = status_caps("CapPrm");

	if (privilege_drop(&p, &why) != 0)
		return 1;
	if (status_caps("CapPrm") != (before & ALLOWED) ||
	    status_caps("CapEff") != (before & ALLOWED))
		return 2;
	if (status_caps("CapInh") != 0 || status_caps("CapAmb") != 0)
		return 3;
	if (p.kept != (before & ALLOWED) || (p.kept | p.dropped) != before || (p.kept & p.dropped))
		return 4;
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return 5;
	if ((before & BIT(CAP_SETPCAP)) && (status_caps("CapBnd") & ~ALLOWED))
		return 6;
	/* A second time there is nothing more to give up, and that is fine. */
	if (privilege_drop(&p, &why) != 0 || p.dropped != 0)
		return 7;
	return system("exit $(( 0x$(sed -n 's/^CapEff:\t*//p' /proc/self/status) & 0x200000 ))") ?
		       8 :
		       0;
}

static void dropped(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(child_checks());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void *wait_there(void *lock)
{
	pthread_mutex_lock(lock);
	pthread_mutex_unlock(lock);
	return NULL;
}

static void not_with_threads(void **state)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	_cleanup_(buf_free) struct buf why = { 0 };
	struct privilege p = { .kept = 77 };
	uint64_t before = status_caps("CapPrm");
	pthread_t t;

	(void)state;
	pthread_mutex_lock(&lock);
	assert_int_equal(pthread_create(&t, NULL, wait_there, &lock), 0);
	assert_int_equal(privilege_drop(&p, &why), -EBUSY);
	pthread_mutex_unlock(&lock);
	pthread_join(t, NULL);
	assert_int_equal(p.kept, 77);
	assert_true(status_caps("CapPrm") == before);
	assert_true(str_contains(buf_slice(&why), STR("threads")));
}

static void names(void **state)
{
	_cleanup_(buf_free) struct buf b = { 0 };

	(void)state;
	privilege_names(BIT(CAP_SYS_PTRACE) | BIT(CAP_NET_ADMIN), &b);
	assert_true(str_eq(buf_slice(&b), STR("net_admin, sys_ptrace")));
	buf_reset(&b);
	privilege_names(0, &b);
	assert_int_equal(b.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dropped),
		cmocka_unit_test(not_with_threads),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
