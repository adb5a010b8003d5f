#pragma once
/*
 * Names as people write them: C++ (Itanium ABI) and Rust (legacy and v0).
 *
 * Without parameters and return types: `ns::Queue<int>::push`. Overloads look the same then; the
 * linkage name, which frames keep, tells them apart. Rust's hash is left out.
 *
 * Names come from files of containers. A short name can demand an endless answer (each substitution
 * may double it), so the answer is cut at the caller's size and the demangler stopped there.
 */
#include "base/str.h"

#define DEMANGLE_IN_MAX 4096 /* longer names stay as they are */

/*
 * Writes the demangled @name, NUL-terminated, to @ret, cut at @max - 1 bytes. The length, or 0 when
 * @name is not mangled (or is so in a way that is not understood): use it as it is.
 */
size_t demangle(const char *name, char *ret, size_t max);
