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
	X(kernel_cpu)       \
	X(logging)          \
	X(cpu_steal)        \
	X(request_errors)   \
	X(hot_route)

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
	uint64_t more; /* that did not fit */
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
 * All hypotheses, ranked: confidence, then cost. When none is more than possible, the first is
 * "healthy". Then the sentence that sums it up.
 */
void causes_judge(const struct watch *w, struct findings *ret);
void causes_verdict(const struct watch *w, const struct findings *f, char *ret, size_t size);
