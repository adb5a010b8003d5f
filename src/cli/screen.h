#pragma once
/*
 * A terminal taken over for a board: alternate screen, no cursor, no echo; given back by
 * screen_close, and also when the process is killed by a signal it can catch, stopped, or ends
 * otherwise. Plain ANSI sequences. One screen a process, on standard output and input.
 */
#include <stdbool.h>

#include "base/buf.h"

struct screen {
	bool on;
	bool quit; /* q was pressed */
	unsigned width, height;
};

/* Standard output is a terminal that knows the sequences. */
bool screen_possible(void);

/* Leaves s->on false when there is no terminal. */
void screen_open(struct screen *s);
void screen_close(struct screen *s);

/* Turns the lines in @b into what shows them in place of the last ones. */
void screen_frame(struct screen *s, struct buf *b);

/* Reads the keyboard and the size; true when the screen has to be drawn again. */
bool screen_changed(struct screen *s);
