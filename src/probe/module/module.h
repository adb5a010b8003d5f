/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * Record of a kernel module that was loaded or removed, whoever asked: also those that the kernel
 * loads by itself. Source: tracepoints module:module_load, module:module_free.
 */
#include "wire/record.h"

enum module_op {
	MODULE_LOAD,
	MODULE_FREE,
	MODULE_OPS
};

struct rec_module {
	struct rec_hdr hdr;
	__u64 taints; /* bits of what the module taints the kernel with (TAINT_*) */
	__u32 op;     /* enum module_op */
	__u32 pad;
	char name[64]; /* ended by NUL */
};
_Static_assert(sizeof(struct rec_module) == 144, "rec_module is stored in captures");
