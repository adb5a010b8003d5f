/* Programs that read the scheduler probe's threads: only where that was asked for is there such a map for them. */
#include <bpf/libbpf.h>
#include <errno.h>

#include "probe/probe.h"
#include "wire/ctl.h"

int probe_times_prepare(struct bpf_object *obj)
{
	static const char *const names[] = { "sched_places", "sched_threads", "sched_more" };
	struct bpf_map *knobs = bpf_object__find_map_by_name(obj, ".rodata.knobs");
	size_t n = 0;
	const struct knobs *k = knobs ? bpf_map__initial_value(knobs, &n) : NULL;

	if (!k || n < sizeof(*k))
		return -ENOENT;
	if (k->request_times)
		return 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct bpf_map *m = bpf_object__find_map_by_name(obj, names[i]);
		int err = m ? bpf_map__set_autocreate(m, false) : -ENOENT;

		if (err)
			return err;
	}
	return 0;
}
