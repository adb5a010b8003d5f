/*
 * Any bytes as an ELF file, as .eh_frame, or as .debug_frame of an image that is right otherwise: by
 * the first byte. What is built must keep to the form of a table, and the search must find each row.
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "symbol/unwind.h"
#include "symbol/unwind_image_test.h"

#define INPUT_MAX 65536

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void check(const struct unwind_table *t)
{
	uint32_t first = 0;

	for (uint32_t p = 0; p < t->npages; p++) {
		const struct unwind_page *page = &t->pages[p];
		const struct unwind_row *rows = t->rows + page->first;
		uint64_t start = (uint64_t)page->page << UW_PAGE_SHIFT;

		must(page->first == first && page->n >= 1 && page->n <= UW_BLOCK_ROWS);
		must(p == 0 || page->page > page[-1].page);
		first += page->n;
		for (uint32_t i = 0; i < page->n; i++) {
			must(i == 0 || rows[i].pc > rows[i - 1].pc);
			must(rows[i].rule < t->nrules);
			must(unwind_table_find(t, start + rows[i].pc) == &t->rules[rows[i].rule]);
		}
	}
	must(first == t->nrows);
	for (uint32_t i = 0; i < t->nrules; i++)
		must(t->rules[i].cfa <= UW_FRAME && t->rules[i].reg <= 15);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(unwind_table_freep) struct unwind_table *t = NULL;
	_cleanup_(buf_free) struct buf image = { 0 };
	struct str rest = { (const char *)data + 1, size - 1 };
	struct image_section s = { .name = ".debug_frame" };

	if (!size || size > INPUT_MAX)
		return 0;
	if (data[0] == 'e') {
		image_make(&image, STR_NONE, 0x3000, rest, NULL, 0);
	} else if (data[0] == 'd') {
		s.bytes = rest;
		image_make(&image, STR_NONE, 0x3000, STR_NONE, &s, 1);
	} else {
		buf_str(&image, rest);
	}
	if (unwind_table_image(image.p, image.n, &t) == 0)
		check(t);
	return 0;
}
