#pragma once
/*
 * A value as written, read as the type of the field it is compared with.
 *
 * Numbers are decimal (sign, fraction, exponent) or 0x hexadecimal. Where the field's unit is "ns":
 * ns us ms s m h d; "bytes": B, kB KB MB GB TB (powers of 1000), KiB MiB GiB TiB (of 1024), and
 * Kubernetes' k K M G T Ki Mi Gi Ti. The result must be whole and fit. Ports may be well-known
 * service names. Addresses may have a prefix length; the bits behind it are cleared.
 */
#include "lang/expr.h"

/* What was expected instead, as a phrase for the error message; NULL: read. Strings are borrowed. */
const char *literal_read(struct str text, enum value_type type, const char *unit,
			 struct expr_value *ret);

/* Pairs of hexadecimal digits to bytes: @to has room for text.n / 2. False when it is no such. */
bool literal_hex(struct str text, char *to);
