/* Decoding signals, and the fields that only they have. */
#include "probe/signal/signal.h"

#include <errno.h>
#include <stdio.h>

#include "probe/probe.h"

/* Linux's numbers on every architecture porthole runs on (x86-64, arm64). */
static const char *const names[] = {
	"",	     "SIGHUP",	"SIGINT",    "SIGQUIT", "SIGILL",   "SIGTRAP", "SIGABRT", "SIGBUS",
	"SIGFPE",    "SIGKILL", "SIGUSR1",   "SIGSEGV", "SIGUSR2",  "SIGPIPE", "SIGALRM", "SIGTERM",
	"SIGSTKFLT", "SIGCHLD", "SIGCONT",   "SIGSTOP", "SIGTSTP",  "SIGTTIN", "SIGTTOU", "SIGURG",
	"SIGXCPU",   "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO",   "SIGPWR",  "SIGSYS",
};

#define NAMED	     ((int)(sizeof(names) / sizeof(names[0])))
#define REALTIME_MIN 32 /* the kernel's; the C library keeps the first two for itself */
#define SIGNAL_MAX   64

static const char *const results[SIGNAL_RESULTS] = {
	[SIGNAL_DELIVERED] = "delivered", [SIGNAL_IGNORED] = "ignored",
	[SIGNAL_PENDING] = "pending",	  [SIGNAL_OVERFLOW] = "overflow",
	[SIGNAL_LOSE_INFO] = "delivered",
};

static int signal_decode(const struct rec_hdr *h, struct arena *a, struct event *ret)
{
	const struct rec_signal *r = (const void *)h;

	(void)a;
	if (h->len < sizeof(*r) || r->result >= SIGNAL_RESULTS || r->number < 1 ||
	    r->number > SIGNAL_MAX)
		return -EBADMSG;
	ret->kind = &kind_table[KIND_SIGNAL];
	ret->type = STR("signal");
	ret->fd.num = -1;
	return 0;
}

enum signal_field {
	SIGNAL_NAME,
	SIGNAL_NUMBER,
	SIGNAL_SENDER,
	SIGNAL_RESULT,
	SIGNAL_THREAD,
	SIGNAL_TARGET_PID,
	SIGNAL_TARGET_TID,
	SIGNAL_TARGET_NAME,
};

static bool name_get(const struct rec_signal *r, struct value *ret)
{
	char *text;

	if (r->number < NAMED) {
		ret->str = str_of(names[r->number]);
		return true;
	}
	text = arena_alloc(field_arena(), 16);
	if (!text)
		return false;
	ret->str.p = text;
	ret->str.n = (size_t)snprintf(text, 16, "SIGRT%d", r->number - REALTIME_MIN);
	return true;
}

static bool signal_get(const struct event *ev, const struct field_ref *ref, unsigned nth,
		       struct value *ret)
{
	const struct rec_signal *r = ev->body;

	if (nth || ev->hdr->type != REC_SIGNAL)
		return false;
	ret->type = ref->field->type;
	switch ((enum signal_field)ref->field->arg) {
	case SIGNAL_NAME:
		return name_get(r, ret);
	case SIGNAL_NUMBER:
		ret->u64 = (uint64_t)r->number;
		return true;
	case SIGNAL_SENDER:
		ret->str = r->kernel ? STR("kernel") : STR("process");
		return true;
	case SIGNAL_RESULT:
		ret->str = str_of(results[r->result]);
		return true;
	case SIGNAL_THREAD:
		ret->b = !r->group;
		return true;
	case SIGNAL_TARGET_PID:
		ret->u64 = r->target_pid;
		return true;
	case SIGNAL_TARGET_TID:
		ret->u64 = r->target_tid;
		return true;
	case SIGNAL_TARGET_NAME:
		ret->str = str_fixed(r->target_comm, sizeof(r->target_comm));
		return true;
	}
	return false;
}

#define SIGNAL KIND_BIT(KIND_SIGNAL), FIELD_DEFAULT, signal_get

static const struct field signal_fields[] = {
	{ "signal.name", VALUE_STR, "", SIGNAL, SIGNAL_NAME, "SIGTERM, SIGKILL, ..." },
	{ "signal.number", VALUE_U64, "", SIGNAL, SIGNAL_NUMBER, "its number" },
	{ "signal.sender", VALUE_STR, "", SIGNAL, SIGNAL_SENDER,
	  "process (kill and its kin) or kernel (faults, children, timers, terminals)" },
	{ "signal.result", VALUE_STR, "", SIGNAL, SIGNAL_RESULT,
	  "delivered, ignored, pending (it was already) or overflow (too many are queued)" },
	{ "signal.thread", VALUE_BOOL, "", SIGNAL, SIGNAL_THREAD,
	  "whether it was meant for one thread, not the process" },
	{ "signal.target.pid", VALUE_U64, "", SIGNAL, SIGNAL_TARGET_PID, "process it was sent to" },
	{ "signal.target.tid", VALUE_U64, "", SIGNAL, SIGNAL_TARGET_TID, "thread it was sent to" },
	{ "signal.target.name", VALUE_STR, "", SIGNAL, SIGNAL_TARGET_NAME,
	  "command name of that thread" },
	{ NULL },
};

static uint64_t signal_type_kinds(struct str type)
{
	return str_eq(type, STR("signal")) ? KIND_BIT(KIND_SIGNAL) : 0;
}

static const struct probe_decoder signal_decoders[] = {
	{ REC_SIGNAL, signal_decode },
	{ REC_NONE, NULL },
};

static const struct probe_hook signal_hooks[] = {
	{ "signal_generate", NULL, "signal:signal_generate" },
	{ NULL },
};

extern const char signal_bpf_elf[], signal_bpf_elf_end[];

const struct probe probe_signal = {
	.name = "signal",
	.help = "signals sent",
	.elf = signal_bpf_elf,
	.elf_end = signal_bpf_elf_end,
	.kinds = KIND_BIT(KIND_SIGNAL),
	.hooks = signal_hooks,
	.decoders = signal_decoders,
	.fields = signal_fields,
	.type_kinds = signal_type_kinds,
};
