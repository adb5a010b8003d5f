/* The list of protocols, made from the one list in proto.h. */
#include "proto/proto.h"

const struct proto *const protos[] = {
#define X(name) &proto_##name,
	PORTHOLE_PROTOS(X)
#undef X
};
const size_t protos_n = sizeof(protos) / sizeof(struct proto *);

const struct proto *proto_find(struct str name)
{
	for (size_t i = 0; i < protos_n; i++)
		if (str_eq(str_of(protos[i]->name), name))
			return protos[i];
	return NULL;
}
