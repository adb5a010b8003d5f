/* Rulesets once they are made, and priorities. */
#include "rule/rule.h"

#include <strings.h>

#include "rule/loader.h"

static const char *const priorities[PRIORITIES] = { "Emergency", "Alert",  "Critical",	    "Error",
						    "Warning",	 "Notice", "Informational", "Debug" };

const char *priority_name(enum priority p)
{
	return p < PRIORITIES ? priorities[p] : "";
}

bool priority_parse(struct str text, enum priority *ret)
{
	for (unsigned p = 0; p < PRIORITIES; p++)
		if (text.n == strlen(priorities[p]) &&
		    strncasecmp(text.p, priorities[p], text.n) == 0) {
			*ret = (enum priority)p;
			return true;
		}
	if (text.n != 4 || strncasecmp(text.p, "info", 4) != 0)
		return false;
	*ret = PRIORITY_INFORMATIONAL;
	return true;
}

void ruleset_free(struct ruleset *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n; i++) {
		expr_free(r->rules[i]->expr);
		format_free(r->rules[i]->output);
	}
	if (r->pool)
		pool_free(&r->pool->pool);
	free(r->pool);
	free(r);
}

const struct rule *ruleset_find(const struct ruleset *r, struct str name)
{
	for (size_t i = 0; i < r->n; i++)
		if (str_eq(r->rules[i]->name, name))
			return r->rules[i];
	return NULL;
}
