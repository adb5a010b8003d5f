/* Programs that read the scheduler probe's threads: only where that was asked for is there such a map for them. */
#include <bpf/libbpf.h>
#include <errno.h>

#include "probe/probe.h"
#include "wire/ctl.h"

int probe_times_prepare(struct bpf_object *obj)
{
	struct bpf_map *threads = bpf_object__find_map_by_name(obj, "sched_threads");
	struct bpf_map *knobs = bpf_object__find_map_by_name(obj, ".rodata.knobs");
	size_t n = 0;
	const struct knobs *k = knobs ? bpf_map__initial_value(knobs, &n) : NULL;

	if (!threads || !k || n < sizeof(*k))
		return -ENOENT;
	return k->request_times ? 0 : bpf_map__set_autocreate(threads, false);
}
