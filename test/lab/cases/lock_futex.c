/*
 * cause: lock-contention
 * cpu: 2
 *
 * A lock of its own: it spins for a while, then waits in a futex. The holder sleeps with it, as one does
 * who asks somebody under a lock.
 */
#include <linux/futex.h>
#include <stdatomic.h>

#include "app.h"

static _Atomic int word; /* 0 free, 1 held, 2 held and waited for */
static double held_ms;

static __attribute__((noinline)) void lock_take(void)
{
	for (int i = 0; i < 200; i++) {
		int none = 0;

		if (atomic_compare_exchange_weak(&word, &none, 1))
			return;
	}
	while (atomic_exchange(&word, 2))
		syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
}

static __attribute__((noinline)) void lock_drop(void)
{
	if (atomic_exchange(&word, 0) == 2)
		syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void *thread(void *arg)
{
	for (;;) {
		lock_take();
		rest_ms(held_ms);
		lock_drop();
		work_ms(0.3);
	}
	return arg;
}

int main(int argc, char **argv)
{
	begin(argc, argv);
	held_ms = vary(1, 5);
	for (int n = (int)vary(3, 8); n > 1; n--)
		thread_start(thread, NULL);
	thread(NULL);
}
