/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/* Record of a socket call that moved bytes (wire/stream.h), and what user space says of a socket. */
#include "wire/stream.h"

/*
 * Word `id & (STREAM_VERDICTS - 1)` of the map stream_verdicts is `id << STREAM_CLASS_BITS | class`
 * (probe/stream/verdict.h).
 */
#define STREAM_CLASS_BITS 2
#define STREAM_VERDICTS	  65536
