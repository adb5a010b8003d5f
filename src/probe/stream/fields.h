#pragma once
/*
 * Fields of events of kind `request`, ended by a NULL name. Their body is a struct request (event/request.h), their
 * header that of the connection's last record (stream.h).
 */
#include "event/field.h"

extern const struct field request_fields[];
