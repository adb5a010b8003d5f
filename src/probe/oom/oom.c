/* Decoding OOM kills, and the fields that only they have. */
#include "probe/oom/oom.h"

#include <errno.h>

#include "probe/probe.h"

static int oom_decode(const struct rec_hdr *h, struct arena *a, struct event *ret)
{
	const struct rec_oom *r = (const void *)h;

	(void)a;
	if (h->len < sizeof(*r))
		return -EBADMSG;
	ret->kind = &kind_table[KIND_OOM];
	ret->type = STR("oom_kill");
	ret->fd.num = -1;
	return 0;
}

enum oom_field {
	OOM_VM,
	OOM_ANON,
	OOM_FILE,
	OOM_SHMEM,
	OOM_SCORE,
	OOM_TRIGGER_PID,
	OOM_TRIGGER_NAME,
};

static bool bytes(const struct rec_oom *r, uint64_t n, struct value *ret)
{
	ret->u64 = n;
	return r->known && r->total_vm_bytes;
}

static bool oom_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		    struct value *ret)
{
	const struct rec_oom *r = ev->body;

	if (nth || ev->hdr->type != REC_OOM)
		return false;
	ret->type = ref->field->type;
	switch ((enum oom_field)ref->field->arg) {
	case OOM_VM:
		return bytes(r, r->total_vm_bytes, ret);
	case OOM_ANON:
		return bytes(r, r->anon_rss_bytes, ret);
	case OOM_FILE:
		return bytes(r, r->file_rss_bytes, ret);
	case OOM_SHMEM:
		return bytes(r, r->shmem_rss_bytes, ret);
	case OOM_SCORE:
		ret->i64 = r->score_adj;
		return r->known;
	case OOM_TRIGGER_PID:
		ret->u64 = r->trigger_pid;
		return true;
	case OOM_TRIGGER_NAME:
		ret->str = str_fixed(r->trigger_comm, sizeof(r->trigger_comm));
		return true;
	}
	return false;
}

#define OOM   KIND_BIT(KIND_OOM), FIELD_DEFAULT, oom_get
#define BYTES "bytes"

static const struct field oom_fields[] = {
	{ "oom.total_vm", VALUE_U64, BYTES, OOM, OOM_VM, "address space of the killed process" },
	{ "oom.anon_rss", VALUE_U64, BYTES, OOM, OOM_ANON, "its resident anonymous memory" },
	{ "oom.file_rss", VALUE_U64, BYTES, OOM, OOM_FILE, "its resident pages of files" },
	{ "oom.shmem_rss", VALUE_U64, BYTES, OOM, OOM_SHMEM, "its resident shared memory" },
	{ "oom.score_adj", VALUE_I64, "", OOM, OOM_SCORE, "its oom_score_adj, -1000 to 1000" },
	{ "oom.trigger.pid", VALUE_U64, "", OOM, OOM_TRIGGER_PID, "who asked for memory in vain" },
	{ "oom.trigger.name", VALUE_STR, "", OOM, OOM_TRIGGER_NAME, "that one's command name" },
	{ NULL },
};

static uint64_t oom_type_kinds(struct str type)
{
	return str_eq(type, STR("oom_kill")) ? KIND_BIT(KIND_OOM) : 0;
}

static const struct probe_decoder oom_decoders[] = {
	{ REC_OOM, oom_decode },
	{ REC_NONE, NULL },
};

static const struct probe_hook oom_hooks[] = {
	{ "oom_signal", NULL, "signal:signal_generate" },
	{ "oom_victim", NULL, "oom:mark_victim" },
	{ NULL },
};

extern const char oom_bpf_elf[], oom_bpf_elf_end[];

const struct probe probe_oom = {
	.name = "oom",
	.help = "processes killed for lack of memory",
	.elf = oom_bpf_elf,
	.elf_end = oom_bpf_elf_end,
	.kinds = KIND_BIT(KIND_OOM),
	.hooks = oom_hooks,
	.decoders = oom_decoders,
	.fields = oom_fields,
	.type_kinds = oom_type_kinds,
};
