/* Any bytes as a path: no read outside it, and every slice of the answer lies within it. */
#include <stdlib.h>

#include "enrich/cgroup_path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void within(struct str part, struct str path)
{
	if (part.p && (part.p < path.p || part.p + part.n > path.p + path.n))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct str path = { (const char *)data, n };
	char buf[CGROUP_POD_UID_LEN];
	struct cgroup_who who;

	if (!cgroup_path_parse(path, &who))
		return 0;
	within(who.container_id, path);
	within(who.pod_uid, path);
	within(who.pod_container_id, path);
	within(who.outer_id, path);
	within(who.outer_pod_uid, path);
	within(who.monitor_of, path);
	within(who.unit, path);
	if (!who.shape || cgroup_pod_uid(who.pod_uid, buf).n != who.pod_uid.n)
		abort();
	if ((who.container_id.p && !who.outer_id.p) || (who.pod_uid.p && !who.outer_pod_uid.p))
		abort();
	return 0;
}
