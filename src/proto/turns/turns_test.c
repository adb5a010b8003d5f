/* Questions and answers of an unknown protocol. */
#include "proto/turns/turns.h"

#include "proto/feed_test.h"

static void test_turns(void **state)
{
	static const struct feed f[] = {
		CLIENT("question"), SERVER("an answer"),      SERVER(" in two"),
		CLIENT("next, "),   CLIENT("in two"),	      SERVER("yes"),
		SERVER_LOST(4),	    CLIENT("never answered"),
	};

	(void)state;
	FEED_CHECK(&proto_turns, f,
		   "tcp - - - unknown req=8 resp=9\n"
		   "tcp - - - unknown req=12 resp=3\n"
		   "tcp - - - unknown req=14 resp=0 flags=unanswered\n",
		   .once = true);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_turns) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
