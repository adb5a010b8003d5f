/* Decoding module loads, and the fields that only they have. */
#include "probe/module/module.h"

#include <errno.h>
#include <unistd.h>

#include "probe/probe.h"

static int module_decode(const struct rec_hdr *h, struct arena *a, struct event *ret)
{
	const struct rec_module *r = (const void *)h;

	(void)a;
	if (h->len < sizeof(*r) || r->op >= MODULE_OPS)
		return -EBADMSG;
	ret->kind = &kind_table[KIND_MODULE];
	ret->type = r->op == MODULE_LOAD ? STR("module_load") : STR("module_free");
	ret->fd.num = -1;
	return 0;
}

static bool name_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		     struct value *ret)
{
	const struct rec_module *r = ev->body;

	(void)ref;
	if (nth || ev->hdr->type != REC_MODULE)
		return false;
	ret->type = VALUE_STR;
	ret->str = str_fixed(r->name, sizeof(r->name));
	return ret->str.n != 0;
}

/* Taints that tell where a module comes from (Documentation/admin-guide/tainted-kernels.rst). */
enum {
	TAINT_BIT_FORCED = 1,
	TAINT_BIT_UNSIGNED = 13,
	TAINT_BIT_OUT_OF_TREE = 12,
};

static bool taint_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		      struct value *ret)
{
	const struct rec_module *r = ev->body;

	if (nth || ev->hdr->type != REC_MODULE)
		return false;
	ret->type = VALUE_BOOL;
	ret->b = r->taints >> ref->field->arg & 1;
	return true;
}

#define MODULE KIND_BIT(KIND_MODULE), FIELD_DEFAULT

static const struct field module_fields[] = {
	{ "module.name", VALUE_STR, "", MODULE, name_get, 0, "the kernel module's name" },
	{ "module.out_of_tree", VALUE_BOOL, "", MODULE, taint_get, TAINT_BIT_OUT_OF_TREE,
	  "whether it was built outside the kernel's tree" },
	{ "module.unsigned", VALUE_BOOL, "", MODULE, taint_get, TAINT_BIT_UNSIGNED,
	  "whether it lacks a valid signature (kernels that check)" },
	{ "module.forced", VALUE_BOOL, "", MODULE, taint_get, TAINT_BIT_FORCED,
	  "whether its loading was forced" },
	{ NULL },
};

/* Kernels that can load modules list them there, also when none is loaded. */
static int module_prepare(struct bpf_object *obj)
{
	(void)obj;
	return access("/proc/modules", F_OK) == 0 ? 0 : -EOPNOTSUPP;
}

static uint64_t module_type_kinds(struct str type)
{
	return str_starts(type, STR("module_")) ? KIND_BIT(KIND_MODULE) : 0;
}

static const struct probe_decoder module_decoders[] = {
	{ REC_MODULE, module_decode },
	{ REC_NONE, NULL },
};

static const struct probe_hook module_hooks[] = {
	{ "module_load", NULL, "module:module_load" },
	{ "module_free", NULL, "module:module_free" },
	{ NULL },
};

extern const char module_bpf_elf[], module_bpf_elf_end[];

const struct probe probe_module = {
	.name = "module",
	.help = "kernel modules loaded and removed",
	.elf = module_bpf_elf,
	.elf_end = module_bpf_elf_end,
	.kinds = KIND_BIT(KIND_MODULE),
	.hooks = module_hooks,
	.decoders = module_decoders,
	.fields = module_fields,
	.type_kinds = module_type_kinds,
	.prepare = module_prepare,
	.missing = "this kernel has no loadable modules; tries to load one fail unseen",
};
