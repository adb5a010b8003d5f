#pragma once
/*
 * Whether a file holds a CPython interpreter, which version, and where in it: from its dynamic
 * symbols (_PyRuntime, Py_Version, _PyEval_EvalFrameDefault), which an interpreter exports for the
 * sake of extension modules, also when it is stripped. One that is linked without them (fully static)
 * is not found.
 *
 * Versions 3.11 to 3.13. 3.13 says in its _PyRuntime (struct _Py_DebugOffsets of pycore_runtime.h)
 * where runtime, interpreters and threads keep what they have, so of them its word counts. Builds
 * without the global lock ("free-threaded") are refused: their objects are laid out otherwise.
 */
#include "symbol/image.h"
#include "symbol/python_layout.h"

#define PYTHON_SYMBOLS_MAX (1u << 20) /* looked at */

struct python_file {
	struct python_layout layout;
	uint32_t exact;	  /* Py_Version: major, minor, micro, level and serial */
	uint64_t runtime; /* _PyRuntime: virtual address less that of the text's first byte, plus
				      the offset in the file of that: what is added to a mapping's
				      start - off */
	uint64_t loop_off, loop_n; /* of the interpreter's loop: offset in the file, bytes */
};

/* 0; -ENOENT: it holds none; -ENOTSUP: one that is not known; ret->exact is set then. */
int python_file(const struct image *im, struct python_file *ret);
