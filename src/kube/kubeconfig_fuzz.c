/* Any bytes as a kubeconfig: it is read or refused with a reason. */
#include <stdlib.h>

#include "kube/auth.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kube_auth a = { 0 };
	struct kube_auth_error e = { "" };
	int r = kube_auth_kubeconfig((struct str){ (const char *)data, size }, "/d", NULL, &a, &e);

	if (r ? !e.text[0] || a.server : !a.server)
		abort();
	kube_auth_free(&a);
	return 0;
}
