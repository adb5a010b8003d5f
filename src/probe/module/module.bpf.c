// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Kernel modules, loaded and removed. Kernels built without modules lack the tracepoints. */
#include "probe/module/module.h"

#include "bpf/record.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

static __always_inline int module_event(struct module *mod, u32 op)
{
	struct task_struct *me = (void *)bpf_get_current_task();
	struct ctl *c = ctl_get();
	struct rec_module *r;
	u32 number;

	if (!c || !((c->wanted | c->counted) & KIND_BIT(KIND_MODULE)))
		return 0;
	if (c->counted & KIND_BIT(KIND_MODULE))
		count_add(KIND_MODULE, task_cgroup(me), false);
	if (!(c->wanted & KIND_BIT(KIND_MODULE)) || !filter_pass(c, KIND_MODULE, me))
		return 0;
	r = record_reserve(&ring_bulk, sizeof(*r), KIND_MODULE, &number);
	if (!r)
		return 0;
	hdr_fill(&r->hdr, REC_MODULE, me, number);
	r->hdr.len = sizeof(*r);
	r->taints = BPF_CORE_READ(mod, taints);
	r->op = op;
	r->pad = 0;
	__builtin_memset(r->name, 0, sizeof(r->name));
	bpf_core_read_str(r->name, sizeof(r->name), &mod->name);
	record_submit(&ring_bulk, RING_BULK_BYTES, r, KIND_MODULE);
	return 0;
}

SEC("tp_btf/module_load")
int BPF_PROG(module_load, struct module *mod)
{
	return module_event(mod, MODULE_LOAD);
}

SEC("tp_btf/module_free")
int BPF_PROG(module_free, struct module *mod)
{
	return module_event(mod, MODULE_FREE);
}
