#pragma once
/*
 * Names that hold data, folded so that few of them are left: user:123:cart -> user:{id}:cart. For keys, channels and
 * subjects; parts are separated by any of :/.|{}[], and each one that is no word becomes {id}. Words may end in one
 * digit (v1, oauth2). What a person would call a word but is a name (user:alice) stays.
 */
#include "base/str.h"

#define FOLD_MAX 128 /* bytes of what comes out; longer: ends in "..." */

/* @name folded into @to, FOLD_MAX bytes. */
struct str fold_name(struct str name, char *to);
