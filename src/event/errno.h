#pragma once
/*
 * Names of error numbers, as errno.h and strace have them, and of the codes that never leave the
 * kernel but show at the end of an interrupted call.
 */
#include "base/str.h"

/* Of a call's result: "ENOENT" for -2. Absent for results that are no error, and for unknown codes. */
struct str errno_name(int64_t ret);
