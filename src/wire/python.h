/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#pragma once
/*
 * Frames of CPython, as the kernel programs find and send them.
 *
 *     py_files    file key (of a mapping that holds the interpreter loop) -> index
 *     py_layouts  index -> struct py_layout: where its interpreter keeps what
 *
 * A file, not a process, is what is known: the address of _PyRuntime follows from where the file is
 * mapped, so the first sample of each process has its frames. agent/python_files.h fills the maps,
 * symbol/python_file.h tells the offsets and their sources.
 *
 * The way: _PyRuntime -> interpreters -> threads, the one whose thread_id is the sampled thread's
 * pthread_self(), which is its fs base -> current frame -> previous frames.
 */
#include <linux/types.h>

#define PY_FILES	256 /* different interpreters */
#define PY_FRAMES_MAX	256
#define PY_THREADS_MAX	512 /* looked at for one sample */
#define PY_FRAME_WORDS	9   /* read of a frame: all of 3.11 to 3.13 lies in them */
#define PY_OWNER_CSTACK 3   /* 3.12 on: a frame of no code that begins a run of the loop */

struct py_layout {
	__u64 runtime;		  /* address of _PyRuntime - (start - off) of the mapping */
	__u64 loop_begin, loop_n; /* _PyEval_EvalFrameDefault: offset in the file, bytes */
	__u32 interpreters;	  /* in _PyRuntime: the first interpreter */
	__u32 current; /* in _PyRuntime: the thread that runs; 0: it is not there (3.12) */
	__u32 interp_next, interp_threads;
	__u32 interp_gil; /* in an interpreter: pointer to its lock; 0: current has it */
	__u32 gil_holder; /* in the lock: the thread that had it last */
	__u32 thread_next, thread_id;
	__u32 thread_frame; /* the current frame, or where it is told: */
	__u32 cframe_frame; /* in what thread_frame points to; PY_NONE: it is the frame itself */
	__u32 frame_code, frame_previous, frame_instr;
	__u32 frame_mark; /* a byte: is_entry (3.11), or owner */
	__u32 mark_owner; /* it is owner */
	__u32 code_instr; /* in a code object: the first instruction */
	__u32 version;	  /* major << 8 | minor */
	__u32 pad;
};
_Static_assert(sizeof(struct py_layout) == 96, "shared with the kernel programs");

#define PY_NONE 0xffffffffu

/* Why the frames end where they do. */
enum interp_end {
	INTERP_WHOLE,
	INTERP_NO_THREAD, /* a thread that runs no Python, or one of more than PY_THREADS_MAX */
	INTERP_FAULT,	  /* memory that could not be read */
	INTERP_DEEP,	  /* PY_FRAMES_MAX frames and more to come */
	INTERP_ENDS
};

enum interp_flag {
	INTERP_ENTRY = 1, /* the loop that runs it was entered for it: its caller is native code */
};

/* Innermost first. */
struct rec_interp_frame {
	__u64 code;  /* address of the code object; 0: the loop was entered and has no frame yet */
	__u32 instr; /* bytes from its first instruction to the one that runs or is in a call */
	__u32 flags; /* enum interp_flag */
};
_Static_assert(sizeof(struct rec_interp_frame) == 16, "stands in captures");

/* In a stack's tail, with STACK_INTERP; n frames follow. */
struct rec_interp {
	__u64 loop; /* address of the interpreter's loop: frames of the native stack in it run these */
	__u32 loop_n;  /* bytes */
	__u16 version; /* major << 8 | minor */
	__u16 n;
	__u8 end; /* enum interp_end */
	__u8 pad[7];
};
_Static_assert(sizeof(struct rec_interp) == 24, "stands in captures");
