/* Offsets by version. A new version is a further entry, and what its test says. */
#include "symbol/python_layout.h"

#include <stddef.h>

static const struct python_layout layouts[] = {
	{
		.version = 0x30b,
		.interpreters = 40,
		.current = 576,
		.interp_next = 0,
		.interp_threads = 16,
		.thread_next = 8,
		.thread_id = 152,
		.thread_frame = 56,
		.cframe_frame = 8,
		.frame_code = 32,
		.frame_previous = 48,
		.frame_instr = 56,
		.frame_mark = 68,
		.code_first_line = 72,
		.code_file = 112,
		.code_name = 120,
		.code_qualname = 128,
		.code_lines = 136,
		.code_instr = 184,
		.str_ascii = 48,
		.str_compact = 72,
		.bytes_data = 32,
	},
	{
		.version = 0x30c,
		.interpreters = 40,
		.interp_next = 0,
		.interp_threads = 72,
		.interp_gil = 384,
		.gil_holder = 8,
		.thread_next = 8,
		.thread_id = 136,
		.thread_frame = 56,
		.cframe_frame = 0,
		.frame_code = 0,
		.frame_previous = 8,
		.frame_instr = 56,
		.frame_mark = 70,
		.mark_owner = true,
		.code_first_line = 68,
		.code_file = 112,
		.code_name = 120,
		.code_qualname = 128,
		.code_lines = 136,
		.code_instr = 192,
		.str_ascii = 40,
		.str_compact = 56,
		.bytes_data = 32,
	},
	{
		.version = 0x30d, /* as 3.13.0 has it */
		.interpreters = 632,
		.interp_next = 7264,
		.interp_threads = 7344,
		.interp_gil = 16,
		.gil_holder = 8,
		.thread_next = 8,
		.thread_id = 152,
		.thread_frame = 72,
		.cframe_frame = PYTHON_NONE,
		.frame_code = 0,
		.frame_previous = 8,
		.frame_instr = 56,
		.frame_mark = 70,
		.mark_owner = true,
		.code_first_line = 68,
		.code_file = 112,
		.code_name = 120,
		.code_qualname = 128,
		.code_lines = 136,
		.code_instr = 200,
		.str_ascii = 40,
		.str_compact = 56,
		.bytes_data = 32,
	},
};

const struct python_layout *python_layout(uint32_t version)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
		if (layouts[i].version == version)
			return &layouts[i];
	return NULL;
}
