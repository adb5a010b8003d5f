#pragma once
/*
 * Where functions of a library or a program begin and return, for probes that are cheap (symbol/code_places.h), as
 * offsets in its file: the functions are found by name in .dynsym, else in .symtab.
 *
 * Only what is certain is given out: a name with one address, code within one segment of the file. All else is left
 * out, and the probe stands where the function begins, and at its return address.
 *
 * Bounded: FUNC_PLACES functions at a time, symbol tables up to FUNC_SYMBOLS, their strings up to FUNC_STRINGS bytes;
 * each is read once, in order. 2 ms for a libssl, 20 ms for Node. No state, any thread.
 */
#include <stddef.h>
#include <stdint.h>

#include "symbol/image.h"

#define FUNC_PLACES  16
#define FUNC_SYMBOLS (4u << 20)
#define FUNC_STRINGS (256u << 20)

enum func_place {
	FUNC_ENTRY,
	FUNC_RETURN, /* all of them, or none */
};

/*
 * The functions called @names (@n of them, up to FUNC_PLACES). @add is called with the number of the name and one place:
 * its kind (enum func_place), its offset in the file, and how many bytes the stack pointer is below the return
 * address there. What it returns other than 0 ends it.
 *
 * 0, also when nothing is found; -EINVAL; -ENOMEM; -ENOEXEC: no file of ELF; or what @add returned. @fd is borrowed.
 */
int func_places(int fd, const char *const *names, size_t n,
		int (*add)(void *ctx, size_t name, int place, uint64_t off, uint32_t depth),
		void *ctx);

/* The same of an image. */
int func_places_image(const struct image *im, const char *const *names, size_t n,
		      int (*add)(void *ctx, size_t name, int place, uint64_t off, uint32_t depth),
		      void *ctx);
