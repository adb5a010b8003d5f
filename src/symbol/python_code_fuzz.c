/* Line tables of any bytes, and code objects of any memory. */
#include "symbol/python_code_test.h"

#include "symbol/python_code.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte: version and where the code object is; the rest: memory, and a line table too. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fake f;
	const struct python_layout *l;
	struct python_code c;

	if (size < 2)
		return 0;
	l = python_layout(0x30b + data[0] % 3);
	f.n = size - 1 < FAKE_BYTES ? size - 1 : FAKE_BYTES;
	memcpy(f.bytes, data + 1, f.n);
	for (uint32_t instr = 0; instr < 64; instr += 6)
		(void)python_line(data + 1, size - 1, data[1], instr);
	if (python_code_read(l, fake_read, &f, FAKE_BASE + (data[0] >> 2) * 8u, &c) == 0) {
		(void)python_line(c.lines, c.nlines, c.first_line, 10);
		python_code_free(&c);
	}
	return 0;
}
