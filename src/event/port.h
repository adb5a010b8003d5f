#pragma once
/* Service names of ports, in one table for conditions and output. Not /etc/services: the same anywhere. */
#include "base/str.h"

/* The name, absent when there is none. */
struct str port_name(uint16_t port);

/* The port of a name; false when there is none. */
bool port_find(struct str name, uint16_t *ret);
