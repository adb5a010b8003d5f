#pragma once
/*
 * HTTP POST by libcurl: one request at a time over a connection that is kept, for whoever sends to a receiver from a
 * thread of its own. http and https (TLS 1.2 or later); redirects are not followed; a proxy is taken from the environment
 * (https_proxy, no_proxy), as curl does. A body that does not end is cut off by the time-out.
 *
 * One owner, one thread; what is given to post_open is copied.
 */
#include <stdatomic.h>

#include "base/buf.h"

#define POST_ANSWER_MAX (64u << 10) /* bytes of the answer that are kept */

struct post;

struct post_opts {
	const char *url;	    /* what post_send uses when told none */
	const char *content_type;   /* "application/json" */
	bool gzip;		    /* bodies come compressed: says so */
	const char *const *headers; /* "Name: value" */
	size_t nheaders;
	const char *ca, *cert, *key; /* files, PEM; NULL or "": the system's, none, none */
	bool insecure;		     /* the server's certificate is not checked */
	uint32_t timeout_ms;	     /* 0: 10 s */
};

/* 0, or -errno with what is wrong in @why (no header's text: it may be a secret). */
int post_open(const struct post_opts *o, struct post **ret, struct buf *why);
void post_close(struct post *p);

struct post_answer {
	long code;		 /* HTTP's; 0: none came */
	uint32_t retry_after_ms; /* the receiver's wish; 0: none; at most an hour */
	char error[160];	 /* when there is no answer: why */
	struct str body; /* its first POST_ANSWER_MAX bytes; valid until the next post_send */
};

/*
 * Sends @body to @url (NULL: the usual one). 0: there is an answer; -ECANCELED: @stop became true; -EIO: none came,
 * ret->error says why. *ret is filled in any case.
 */
int post_send(struct post *p, const char *url, struct str body, const atomic_bool *stop,
	      struct post_answer *ret);
