#pragma once
/*
 * A code object of CPython, read out of a process's memory: what the function is called, its file, and
 * the line of each instruction.
 *
 * All of it is untrusted: the process may have changed or freed it, and may lie. Each length is
 * bounded, an object that is no code object by its type's name is refused, text becomes UTF-8.
 *
 * Sources: struct PyCodeObject, PyASCIIObject (python_layout.h); the line table: CPython's
 * Objects/locations.md of 3.11, which 3.12 and 3.13 share.
 */
#include <stddef.h>

#include "base/str.h"
#include "symbol/python_layout.h"

#define PYTHON_NAME_MAX	 512	      /* characters; the rest is left out */
#define PYTHON_PATH_MAX	 1024	      /* likewise, of the file */
#define PYTHON_LINES_MAX (256u << 10) /* bytes of a line table; code behind has no line */

/* Reads exactly @n bytes of the process's memory at @at; false: they are not there. */
typedef bool (*python_read)(void *ctx, uint64_t at, void *ret, size_t n);

struct python_code {
	struct str name, file; /* the qualified name; absent: not readable */
	uint32_t first_line;
	uint8_t *lines;
	size_t nlines;
	size_t bytes; /* allocated */
	char *text;
};

/* 0, -EFAULT (memory that is not there), -EBADMSG (no code object), -ENOMEM. */
int python_code_read(const struct python_layout *l, python_read read, void *ctx, uint64_t code,
		     struct python_code *ret);
void python_code_free(struct python_code *c);

/*
 * The line of the instruction @instr bytes into the code, by a line table; 0: the table gives it none.
 * Bytes that are no table give some line or 0.
 */
uint32_t python_line(const uint8_t *table, size_t n, uint32_t first_line, uint32_t instr);
