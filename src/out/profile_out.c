/* The table of output forms for profiles, from the one list. */
#include "out/profile_out.h"

const struct profile_out_ops *profile_out_find(struct str name)
{
	for (const struct profile_out_ops *const *o = profile_outs; *o; o++)
		if (str_eq(str_of((*o)->name), name))
			return *o;
	return NULL;
}

#define PROFILE_OUT_ENTRY(name) &profile_out_##name,
const struct profile_out_ops *const profile_outs[] = { PROFILE_OUTS(PROFILE_OUT_ENTRY) NULL };
