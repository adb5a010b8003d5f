#pragma once
/*
 * Functions of the kernel, from /proc/kallsyms.
 *
 * The file is 10 MB of text made anew by each read (some 100 ms of a CPU), most of it never needed:
 * wanted addresses are collected and looked up together in one pass; what was found is kept, about
 * 100 bytes a symbol that was ever hit. So: kernel_want for each address, kernel_resolve once per
 * batch, kernel_frame. At most KERNEL_WANT_MAX addresses a pass and KERNEL_KEPT_MAX symbols kept;
 * when more come, all are forgotten and found again when wanted.
 *
 * Where the kernel hides addresses (kptr_restrict, or no CAP_SYSLOG) all are 0: -EPERM, and frames
 * keep the address alone. Modules and BPF programs come and go: kernel_forget once in a while.
 * One thread. Sources: kernel/kallsyms.c; nm(1) for the types.
 */
#include "symbol/frame.h"

#define KERNEL_WANT_MAX 1024
#define KERNEL_KEPT_MAX 8192
#define KERNEL_NAME_MAX 512	     /* KSYM_NAME_LEN since Linux 6.1 */
#define KERNEL_SPAN_MAX (4u << 20)   /* no function is longer */
#define KERNEL_TEXT_MAX (256u << 20) /* bytes of the file read at most */

struct kernel;

/* Takes ownership of @fd, which is /proc/kallsyms or a copy of it; it is read from the start. */
int kernel_open(int fd, struct kernel **ret);
void kernel_free(struct kernel *k);

/* Whether @addr is known already; else it is wanted. -ENOSPC: resolve first. */
int kernel_want(struct kernel *k, uint64_t addr);
/* One pass over the file if anything is wanted. 0, -EPERM (addresses hidden), -EIO, -ENOMEM. */
int kernel_resolve(struct kernel *k);
/*
 * The frame of @addr; without a function when it was not found. Strings live until the next
 * kernel_resolve or kernel_forget. A module's function has "[MODULE]" for "[kernel]".
 */
struct frame kernel_frame(const struct kernel *k, uint64_t addr, bool returned);
void kernel_forget(struct kernel *k);
size_t kernel_bytes(const struct kernel *k);
