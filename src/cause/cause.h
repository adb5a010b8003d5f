#pragma once
/*
 * A hypothesis of `porthole why`: one file cause/NAME/NAME.c, ending in `const struct cause
 * cause_NAME`, and one line here. It reads the evidence (agg/watch.h) and answers with findings; it
 * does no I/O, keeps nothing, and knows no other hypothesis.
 *
 * How sure a finding is:
 *   certain   the figures leave no other reading, and the cost is a large part of the target's time
 *   likely    the figures fit and the cost is felt
 *   possible  worth knowing; would not be woken up for
 * Cost is the share of the time in which the target had work, lost to this cause, in thousandths:
 * findings are ranked by confidence, then by cost. What the figures cannot express as time (a leak,
 * a kill) says a cost that puts it where a person would.
 */
#include "agg/watch.h"
#include "base/buf.h"

#define PORTHOLE_CAUSES(X)  \
	X(hot_function)     \
	X(cpu_throttled)    \
	X(cpu_neighbour)    \
	X(lock_contention)  \
	X(disk_io)          \
	X(slow_peer)        \
	X(dns)              \
	X(tcp_retransmit)   \
	X(tcp_reset)        \
	X(listen_overflow)  \
	X(page_faults)      \
	X(memory_pressure)  \
	X(memory_limit)     \
	X(cache_thrash)     \
	X(exec_storm)       \
	X(syscall_errors)   \
	X(syscall_rate)     \
	X(small_io)         \
	X(busy_poll)        \
	X(context_switches) \
	X(fd_leak)          \
	X(signal_storm)     \
	X(logging)          \
	X(cpu_steal)        \
	X(request_errors)   \
	X(hot_route)        \
	X(kernel_cpu) /* the last: of what the others leave unexplained */

enum confidence {
	CONFIDENCE_POSSIBLE,
	CONFIDENCE_LIKELY,
	CONFIDENCE_CERTAIN,
	CONFIDENCES
};

#define EVIDENCE_MAX 8
#define FINDINGS_MAX 64
#define CAUSE_TITLE  200 /* bytes */
#define CAUSE_LINE   300

struct finding {
	const char *cause; /* its identifier: "cpu-throttled" */
	enum confidence confidence;
	uint32_t cost; /* thousandths */
	char title[CAUSE_TITLE];
	char evidence[EVIDENCE_MAX][CAUSE_LINE];
	size_t nevidence;
	char advice[CAUSE_LINE];
};

struct findings {
	struct finding f[FINDINGS_MAX];
	size_t n;
	uint64_t more;	    /* that did not fit */
	uint64_t kernel_ns; /* of its samples in the kernel, what the findings so far explain */
};

struct cause {
	const char *name; /* "cpu-throttled" */
	const char *help; /* one line: what it is */
	void (*judge)(const struct watch *w, struct findings *ret);
};

#define X(name) extern const struct cause cause_##name;
PORTHOLE_CAUSES(X)
#undef X

extern const struct cause *const causes[];
extern const size_t causes_n;

/* A new finding of @c, or NULL when there is no room. A cost above 1000 is 1000. */
struct finding *finding_add(struct findings *fs, const struct cause *c, enum confidence conf,
			    uint32_t cost);
void finding_title(struct finding *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void finding_evidence(struct finding *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void finding_advice(struct finding *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * @f (NULL: nothing) is the reason for @kernel_ns of the target's samples in the kernel: those are not
 * for kernel-cpu to tell of. Counts when @f has weight; stacks of several findings overlap, so the
 * largest counts alone.
 */
void finding_explains(struct findings *fs, const struct finding *f, uint64_t kernel_ns);

/*
 * What most hypotheses need: the confidence that a cost gives, by two thresholds. Below @likely it
 * is possible.
 */
enum confidence confidence_of(uint32_t cost, uint32_t likely, uint32_t certain);

/* "nginx[4711] in shop/cart" or what of it is known. */
#define WHO_BYTES 128
struct who_text {
	char s[WHO_BYTES];
};
struct who_text who_text(const struct watch_who *who);

/* "1.2 ms", "3.4 s"; "12.5 KiB". */
struct amount_text {
	char s[24];
};
struct amount_text time_text(uint64_t ns);
struct amount_text bytes_text(uint64_t bytes);

/* @part of @whole in percent; 0 of nothing. */
double percent(uint64_t part, uint64_t whole);

/* The part of @ns that @part is of @whole: samples tell shares, the scheduler how much that is. */
uint64_t share_of(uint64_t ns, uint64_t part, uint64_t whole);

/*
 * Pages that came back after they were evicted: how many; of the page faults that had to read a page
 * in, the share (0 to 1) that were for such pages, and the CPU time those took. The share is 0 below
 * REFAULTS_FEW a second: every full memory evicts a page too many now and then.
 */
#define REFAULTS_FEW 200.0
uint64_t refaults_of(const struct watch *w);
double refault_share(const struct watch *w);
uint64_t refault_cpu_ns(const struct watch *w);
bool frame_reads_in(const struct frame *f, const void *ctx); /* a watch_frame_is: such a fault */

/* The peer is the DNS server that its names are asked of. */
bool peer_resolves(const struct watch *w, const struct watch_peer *p);

/*
 * All hypotheses, ranked: confidence, then cost. When none is more than possible, the first is
 * "healthy". Then the sentence that sums it up.
 */
void causes_judge(const struct watch *w, struct findings *ret);
void causes_verdict(const struct watch *w, const struct findings *f, char *ret, size_t size);
