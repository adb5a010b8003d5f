/* Joining the field tables: enrich's and each probe's own. */
#include "agent/catalogue.h"

#include "enrich/enrich.h"
#include "probe/probe.h"

#define TABLES_MAX 64

const struct catalogue *catalogue_get(void)
{
	static struct catalogue c;
	const struct field *tables[TABLES_MAX];
	size_t n = 0;

	if (c.n)
		return &c;
	tables[n++] = enrich_event_fields;
	tables[n++] = enrich_subject_fields;
	tables[n++] = enrich_program_fields;
	tables[n++] = enrich_container_fields;
	tables[n++] = enrich_fd_fields;
	for (size_t i = 0; i < probes_n && n < TABLES_MAX; i++)
		if (probes[i]->fields)
			tables[n++] = probes[i]->fields;
	return catalogue_join(tables, n, &c) == 0 ? &c : NULL;
}

uint64_t catalogue_type_kinds(struct str type)
{
	uint64_t set = 0;

	for (size_t i = 0; i < probes_n; i++)
		set |= probes[i]->type_kinds ? probes[i]->type_kinds(type) : probes[i]->kinds;
	return set;
}
