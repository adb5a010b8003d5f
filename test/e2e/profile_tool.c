/*
 * Known stacks for test/e2e/profile.sh: burns a CPU for SECONDS at the end of a known chain of calls.
 *
 *     profile_tool chain|deep|signal|altstack|jit SECONDS
 *
 * Prints the address of main, so that others' addresses follow from the symbol table.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define N	    __attribute__((noinline, noclone))
#define DEEP	    600
#define STACK_BYTES 65536

static volatile uint64_t sink;
static double until;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv);
void burn(void);
void level3(void);
void level2(uint64_t x);
void level1(void);
void deep(int n);
void handler(int sig);
void raiser(void);
void callback(void);

N void burn(void)
{
	do {
		for (int i = 0; i < 1000000; i++)
			sink += (uint64_t)i * sink;
	} while (now() < until);
}

N void level3(void)
{
	burn();
	sink++;
}

/* A frame whose size is not known when compiled: its CFA is rbp's, whatever the flags say. */
N void level2(uint64_t x)
{
	volatile char *room = __builtin_alloca(x & 255);

	room[0] = 1;
	level3();
	sink += (uint64_t)room[0];
}

N void level1(void)
{
	level2(sink | 64);
	sink++;
}

N void deep(int n)
{
	if (n > 1)
		deep(n - 1);
	else
		burn();
	sink++;
}

N void handler(int sig)
{
	(void)sig;
	burn();
	_exit(0);
}

/* The signal comes at an instruction, not after a call. */
N void raiser(void)
{
	for (volatile char *p = NULL;;)
		*p = 1;
}

N void callback(void)
{
	burn();
	sink++;
}

static void signal_run(int flags)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = flags  };
	stack_t stack = { .ss_sp = malloc(STACK_BYTES), .ss_size = STACK_BYTES };

	sigaltstack(&stack, NULL);
	sigaction(SIGSEGV, &sa, NULL);
	raiser();
}

/* push %rbp; mov %rsp,%rbp; call *%rdi; pop %rbp; ret */
static void jit_run(void)
{
	static const uint8_t code[] = { 0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0x5d, 0xc3 };
	void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memcpy(at, code, sizeof(code));
	mprotect(at, 4096, PROT_READ | PROT_EXEC);
	((void (*)(void (*)(void)))at)(callback);
}

int main(int argc, char **argv)
{
	const char *what = argc == 3 ? argv[1] : "";

	until = now() + (argc == 3 ? strtod(argv[2], NULL) : 0);
	printf("%p\n", (void *)(uintptr_t)main);
	fflush(stdout);
	if (strcmp(what, "chain") == 0)
		level1();
	else if (strcmp(what, "deep") == 0)
		deep(DEEP);
	else if (strcmp(what, "signal") == 0)
		signal_run(0);
	else if (strcmp(what, "altstack") == 0)
		signal_run(SA_ONSTACK);
	else if (strcmp(what, "jit") == 0)
		jit_run();
	else
		return 2;
	return 0;
}
