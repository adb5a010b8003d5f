/*
 * The parser alone: any text is a tree, or an error with a position in the text. With macros: each
 * name stands for a tree parsed before.
 */
#include <stdlib.h>

#include "lang/testing.h"

static const struct ast *self(void *ctx, struct str name)
{
	return name.n % 2 ? ctx : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct catalogue catalogue;
	struct str text = { (const char *)data, size };
	struct expr_opts opts = { .ident = self };
	struct ast *a = NULL, *macro = NULL;
	struct lang_error e = { 0 };
	struct expr *x = NULL;

	if (!catalogue.n)
		catalogue = test_catalogue();
	if (ast_parse(text, &a, &e) < 0) {
		if (!e.line || !e.column || e.caret > LANG_EXCERPT_CHARS + 3 || a)
			abort();
		return 0;
	}
	if (ast_parse(STR("proc.name=a or not proc.pid=1"), &macro, NULL) == 0) {
		opts.ctx = macro;
		if (expr_compile(&catalogue, a, &opts, &x, &e) == 0)
			expr_free(x);
	}
	ast_free(macro);
	ast_free(a);
	return 0;
}
