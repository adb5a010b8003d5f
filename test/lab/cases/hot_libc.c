/*
 * cause: hot-function
 * cpu: 1.5..2
 *
 * A text that is put together by strcat, from its beginning each time: the C library does the work.
 */
#include "app.h"

static __attribute__((noinline)) size_t page_render(char *page, int rows)
{
	page[0] = 0;
	for (int i = 0; i < rows; i++)
		strcat(page, "<tr><td>a row of the table</td></tr>\n");
	return strlen(page);
}

int main(int argc, char **argv)
{
	char *page = malloc(MIB);
	int rows;

	begin(argc, argv);
	rows = (int)vary(2000, 8000);
	for (;; work_ms(0.3))
		need(page_render(page, rows) > 0, "render");
}
