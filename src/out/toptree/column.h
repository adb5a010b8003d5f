#pragma once
/*
 * Columns for people: values with units, percentages, names cut to a width. Widths are in
 * characters, not in the double width of East Asian ones. What is cut ends in "...".
 */
#include "base/buf.h"

/* @s escaped (base/buf.h), at most @width characters, padded with blanks to @width when @pad. */
void column_name(struct buf *b, struct str s, size_t width, bool pad);

/* Nine characters, right-aligned: "1.23 s", "45.6 ms", "1.5 MiB", "1234". By the unit's name. */
void column_value(struct buf *b, uint64_t v, struct str unit);

/* The same without the padding. */
void column_value_short(struct buf *b, uint64_t v, struct str unit);

/* Six characters, right-aligned: "100.0", "0.3"; of nothing "-". */
void column_percent(struct buf *b, uint64_t part, uint64_t of);
