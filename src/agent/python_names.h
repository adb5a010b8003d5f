#pragma once
/*
 * Names of Python frames: code objects are read out of their process by a thread of its own as soon as a
 * stack first has them, because the process may end; looked up when a profile is made.
 *
 * A code object is known by process and address. A process that frees one and makes another at its
 * place has the old name for up to PYTHON_NAMES_AGAIN_NS. One that was gone first leaves frames
 * without a name. Bounded by PYTHON_CODES and PYTHON_CODES_BYTES; beyond, all are forgotten, counted.
 *
 * python_names_seen is for the pipeline's thread, the rest for any.
 */
#include "probe/stack.h"
#include "symbol/frame.h"
#include "symbol/python_code.h"

#define PYTHON_CODES	      32768
#define PYTHON_CODES_BYTES    (24u << 20)
#define PYTHON_CODES_QUEUE    8192
#define PYTHON_NAMES_AGAIN_NS (60ull * 1000 * 1000 * 1000)

/* What happened since the start. X(name, help) */
#define PYTHON_NAMES_STATS(X)                                                       \
	X(read, "code objects that were read")                                      \
	X(gone, "code objects whose process was gone before they could be read")    \
	X(bad, "code objects that were none when they were read")                   \
	X(queue_full, "times a code object was not queued because too many waited") \
	X(forgotten, "times all code objects were forgotten because there were too many")

struct python_names_stats {
#define X(name, help) uint64_t name;
	PYTHON_NAMES_STATS(X)
#undef X
};

/* Room for a frame's strings. */
struct python_text {
	char name[4 * PYTHON_NAME_MAX], file[4 * PYTHON_PATH_MAX];
};

struct python_names;

/* 0 or -errno. */
int python_names_start(struct python_names **ret);
/* NULL is fine. */
void python_names_stop(struct python_names *p);

/* A stack of the process. */
void python_names_seen(struct python_names *p, uint32_t pid, uint64_t start_ns,
		       const struct stack *s);

/* Waits until all that was seen is read, or could not be. */
void python_names_settle(struct python_names *p);

/* The frame, its strings in *@text; a name that is not known: the function is absent. */
struct frame python_names_frame(struct python_names *p, uint32_t pid, uint64_t start_ns,
				uint32_t version, const struct rec_interp_frame *f,
				struct python_text *text);

void python_names_stats(struct python_names *p, struct python_names_stats *ret);

/*
 * Frames of a stack that take the place of native ones: each loop of the interpreter (stack_in_loop) runs
 * some, from *at on up to the one that it was entered for. How many; *at is not changed. 0: none, and
 * the native frame stays.
 */
size_t python_frames_of_loop(const struct stack *s, size_t at);

/*
 * Innermost loops that run no frame (yet): 1 when the sample fell between a loop's beginning and its
 * first frame. Known only of stacks and frames that are whole.
 */
size_t python_loops_without(const struct stack *s);
