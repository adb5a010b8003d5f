/* Error names: the C library's, and the kernel's own above 511. */
#include "event/errno.h"

#define KERNEL_ERRNO_MIN 512
#define ERRNO_MAX	 4095

struct str errno_name(int64_t ret)
{
	static const struct {
		int code;
		const char *name;
	} internal[] = {
		{ 512, "ERESTARTSYS" },
		{ 513, "ERESTARTNOINTR" },
		{ 514, "ERESTARTNOHAND" },
		{ 516, "ERESTART_RESTARTBLOCK" },
	};
	const char *name;

	if (ret >= 0 || ret < -ERRNO_MAX)
		return STR_NONE;
	for (size_t i = 0; ret <= -KERNEL_ERRNO_MIN && i < sizeof(internal) / sizeof(internal[0]); i++)
		if (internal[i].code == -ret)
			return str_of(internal[i].name);
	name = strerrorname_np((int)-ret);
	return name ? str_of(name) : STR_NONE;
}
