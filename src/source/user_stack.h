#pragma once
/*
 * Whether user memory may be read from a perf event on this kernel. From 5.19 on until the repair of
 * copy_from_user_nofault (6.4; backported in 6.1.36 and 6.3.10; 5.19 and 6.2 never got it) such a read
 * can hang the machine when it meets a fault in an unlucky moment; so there it is not done.
 *
 * Pure: version texts in, answer out. Distributions say the upstream version they contain at
 * different places: Debian in uname's version ("Debian 6.1.55-1"), Ubuntu in /proc/version_signature
 * ("... 6.2.16"), others in the release itself.
 */
#include <stdbool.h>
#include <stddef.h>

/*
 * @release and @version as uname(2) gives them, @signature that file's text or NULL. False when the
 * kernel is one of those, or cannot be told from one, with a reason in @ret_why (@size bytes).
 */
bool user_stack_safe(const char *release, const char *version, const char *signature, char *ret_why,
		     size_t size);

/* The same of the running kernel. */
bool user_stack_safe_here(char *ret_why, size_t size);
