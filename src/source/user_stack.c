/* Kernel versions, for the one thing that cannot be tried: it may hang the machine. */
#include "source/user_stack.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"

#define V(major, minor, patch) ((major) * 1000000u + (minor) * 1000u + (patch))

/* 0: there is no version at the beginning of @text. */
static unsigned version_of(const char *text)
{
	unsigned major, minor, patch = 0;

	if (!text || sscanf(text, "%3u.%3u.%3u", &major, &minor, &patch) < 2 || minor > 999 ||
	    patch > 999)
		return 0;
	return V(major, minor, patch);
}

static unsigned version_behind(const char *text, const char *word)
{
	const char *at = text ? strstr(text, word) : NULL;

	return at ? version_of(at + strlen(word)) : 0;
}

/* The last word of "Ubuntu 6.2.0-39.40-generic 6.2.16". */
static unsigned version_last(const char *text)
{
	const char *at = text ? strrchr(text, ' ') : NULL;

	return at ? version_of(at + 1) : 0;
}

bool user_stack_safe(const char *release, const char *version, const char *signature, char *ret_why,
		     size_t size)
{
	unsigned v = version_of(release), told = version_behind(version, "Debian ");

	if (!told)
		told = version_last(signature);
	if (told)
		v = told;
	if (v && (v < V(5, 19, 0) || v >= V(6, 4, 0)))
		return true;
	if ((v >= V(6, 1, 36) && v < V(6, 2, 0)) || v >= V(6, 3, 10))
		return true;
	snprintf(ret_why, size,
		 "no user stacks: reading them may hang Linux %u.%u.%u (fixed in 6.1.36, 6.3.10 and 6.4)",
		 v / 1000000, v / 1000 % 1000, v % 1000);
	return false;
}

bool user_stack_safe_here(char *ret_why, size_t size)
{
	_cleanup_(closep) int fd = open("/proc/version_signature", O_RDONLY | O_CLOEXEC);
	char signature[256] = "";
	struct utsname u;

	if (fd >= 0 && read(fd, signature, sizeof(signature) - 1) < 0)
		signature[0] = '\0';
	signature[strcspn(signature, "\n")] = '\0';
	if (uname(&u) != 0) {
		snprintf(ret_why, size, "no user stacks: the kernel's version is not known");
		return false;
	}
	return user_stack_safe(u.release, u.version, signature, ret_why, size);
}
