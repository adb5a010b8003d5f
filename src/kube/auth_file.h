#pragma once
/* Shared by auth.c and its tests: reads a whole small file. */
#include <stddef.h>

/*
 * *ret_text: malloc'ed, with a NUL behind its *ret_n bytes. 0, -ENOMEM, -EFBIG above
 * KUBE_AUTH_FILE_MAX, or an error of open(2) or read(2). Never blocks on a FIFO.
 */
int kube_file_read(const char *path, char **ret_text, size_t *ret_n);
