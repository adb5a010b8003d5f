#pragma once
/*
 * Names of x86-64 system calls by number, all there are ("openat"); for a number that has none,
 * "syscall_N". Always true: for use in conditions. Source: libseccomp's table.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool call_name(uint16_t nr, char *text, size_t size);
