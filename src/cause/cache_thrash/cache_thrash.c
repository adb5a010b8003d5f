/*
 * Pages are evicted and read again soon after (refaults): the working set of files does not fit
 * into the memory there is. The disk is busy, but more memory is the cure. Where the disk is fast
 * there is little waiting; reading the pages in and evicting others costs CPU all the same.
 */
#include "cause/cause.h"

#define LIKELY	60
#define CERTAIN 200
#define PAGE	4096u
/*
 * A call that reads: reading a page in, and being the first to touch it, costs no more CPU than this; the rest is for
 * other pages. Of faults it is known how many had to read.
 */
#define PAGE_NS 10000

/*
 * Where the kernel fills the page cache, or makes room for it, or copies from it: where the disk answers from a host's
 * memory, most of the cost is the copy out of pages that no cache of the CPU has.
 */
static const char *const filling[] = { "page_cache_ra_unbounded",
				       "page_cache_ra_order",
				       "page_cache_sync_ra",
				       "page_cache_async_ra",
				       "ondemand_readahead",
				       "force_page_cache_ra",
				       "filemap_get_pages",
				       "filemap_read_folio",
				       "try_to_free_mem_cgroup_pages",
				       "filemap_read" };

static bool is_filling(const struct frame *f, const void *ctx)
{
	for (size_t i = 0; f->kind == FRAME_KERNEL && i < sizeof(filling) / sizeof(filling[0]); i++)
		if (str_eq(f->function, str_of(filling[i])))
			return true;
	return frame_reads_in(f, ctx);
}

/*
 * Of pages that came back, those that were read again: at most as many as the target's processes read from anywhere. The
 * others were written anew, or are holes of files.
 */
static uint64_t read_again(const struct watch *w, uint64_t refaults)
{
	uint64_t bytes = 0;
	bool known = false;

	for (size_t i = 0; !w->node && i < w->nprocesses; i++) {
		const struct watch_process *p = &w->processes[i];

		if (!p->has)
			continue;
		known = true;
		bytes += p->after.read_bytes - p->before.read_bytes;
	}
	return known && bytes / PAGE < refaults ? bytes / PAGE : refaults;
}

/* The CPU time that pages cost which came back, by faults or by calls that read. */
static uint64_t cpu_of(const struct watch *w, uint64_t refaults)
{
	uint64_t all = watch_stacks_ns(w->cpu, is_filling, NULL, false);
	uint64_t faults = watch_stacks_ns(w->cpu, frame_reads_in, NULL, false);
	uint64_t read = all > faults ? all - faults : 0, most = read_again(w, refaults) * PAGE_NS;

	if (read > most)
		read = most;
	return read + refault_cpu_ns(w);
}

static void judge(const struct watch *w, struct findings *ret)
{
	uint64_t refaults = refaults_of(w), major = 0, cpu, ns, waited;
	const struct watch_group *at = NULL;
	struct finding *f;
	uint32_t cost;

	if (watch_rate(w, refaults) < REFAULTS_FEW)
		return;
	for (size_t i = 0; i < w->ngroups; i++) {
		const struct watch_group *g = &w->groups[i];

		if (!(g->after.has & g->before.has & GROUP_REFAULT))
			continue;
		major += g->after.major_faults - g->before.major_faults;
		at = g;
	}
	waited = w->ns[THREAD_DISK] + (uint64_t)((double)w->ns[THREAD_PAGEFAULT] * refault_share(w));
	cpu = cpu_of(w, refaults);
	ns = waited + cpu;
	/* A little more than that: who waits for pages that were there waits for memory. */
	cost = watch_cost(w, ns + ns / 8);
	if (cost > 1000)
		cost = 1000;
	f = finding_add(ret, &cause_cache_thrash, confidence_of(cost, LIKELY, CERTAIN), cost);
	finding_explains(ret, f, cpu);
	finding_title(f, "it reads the same pages again and again: its files do not fit into memory");
	finding_evidence(f,
			 "%.0f pages a second came back soon after they were evicted (%s a second)",
			 watch_rate(w, refaults),
			 bytes_text((uint64_t)watch_rate(w, refaults) * PAGE).s);
	finding_evidence(f,
			 "%s of waiting for disk and pages, %s of CPU to read them; %lu major faults",
			 time_text(waited).s, time_text(cpu).s, major);
	if (at && at->after.has & GROUP_MEMORY)
		finding_evidence(f, "%.*s: %s in use, of it %s page cache, limit %s",
				 STR_ARG(at->name), bytes_text(at->after.memory).s,
				 bytes_text(at->after.file).s,
				 at->after.memory_max == VITALS_NO_LIMIT ?
					 "none" :
					 bytes_text(at->after.memory_max).s);
	finding_advice(f,
		       "more memory for the pod (its page cache counts), or a smaller working set");
}

const struct cause cause_cache_thrash = {
	.name = "cache-thrash",
	.help = "file pages are evicted and read again",
	.judge = judge,
};
