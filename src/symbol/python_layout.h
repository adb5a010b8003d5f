#pragma once
/*
 * Where each version of CPython keeps what a stack needs, on 64-bit little-endian machines.
 *
 * A version is major << 8 | minor: these offsets do not change in its patch releases (3.13 tells its
 * own, python_file.h). Sources, of each version: Include/internal/pycore_runtime.h, pycore_interp.h,
 * pycore_gil.h, pycore_frame.h; Include/cpython/pystate.h, code.h, unicodeobject.h, bytesobject.h.
 * python_file_test.c compares them with running interpreters.
 */
#include <stdbool.h>
#include <stdint.h>

#define PYTHON_NONE UINT32_MAX

struct python_layout {
	uint32_t version;
	/* _PyRuntimeState */
	uint32_t interpreters; /* interpreters.head */
	uint32_t current;      /* gilstate.tstate_current; 0: none */
	/* PyInterpreterState */
	uint32_t interp_next, interp_threads;
	uint32_t interp_gil; /* ceval.gil, a pointer; 0: none */
	uint32_t gil_holder; /* last_holder in it */
	/* PyThreadState */
	uint32_t thread_next, thread_id;
	uint32_t thread_frame; /* cframe or current_frame */
	uint32_t cframe_frame; /* _PyCFrame.current_frame; PYTHON_NONE: no such thing */
	/* _PyInterpreterFrame */
	uint32_t frame_code, frame_previous, frame_instr;
	uint32_t frame_mark; /* is_entry or owner */
	bool mark_owner;
	/* PyCodeObject */
	uint32_t code_first_line, code_file, code_name, code_qualname, code_lines, code_instr;
	/* str, by kind: characters behind an ASCII one, and behind another compact one; bytes */
	uint32_t str_ascii, str_compact, bytes_data;
};

/* NULL: a version that is not known. */
const struct python_layout *python_layout(uint32_t version);
