#pragma once
/* Two profiles as text for people: the functions by how much they changed. */
#include "out/profile_out.h"

/* profile_out_ops.difference */
int toptree_difference(const struct profile_difference *d, const struct profile_out_opts *o,
		       struct buf *b);
