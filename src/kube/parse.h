#pragma once
/*
 * From one JSON object of the API to a struct kube_obj, and the few fields of envelopes and watch
 * events the client itself needs. Each type and scope is a table of rows {path, kind, where}; a
 * path is a list of words: a member's name, "[]" for each element, "[key=value]" for each element
 * that has it.
 *
 * A field of the wrong JSON type counts as absent. Strings above KUBE_STR_MAX and elements above
 * the maxima of kube/obj.h (annotations have their own) are left out and counted in `cut`. Nothing is copied: the result borrows
 * from the JSON value (strings) and from the arena (arrays). Pure: no I/O, any thread.
 */
#include <jansson.h>

#include "kube/obj.h"

/* What the client needs of a list's envelope, a Status, or a watch event's object. */
struct kube_meta {
	struct str kind;
	struct str resource_version;
	struct str continue_token;
	struct str message, reason; /* of a Status */
	int code;		    /* of a Status; 0 when absent */
	int retry_after_s;	    /* of a Status; 0 when absent */
};

/*
 * Parses @json into a value the caller owns (json_decref). NULL when it is not a JSON object.
 * kube/split.h has bounded its size and depth before.
 */
json_t *kube_json_load(struct str json);

void kube_meta_parse(const json_t *v, struct kube_meta *ret_meta);

/*
 * @v is the object itself (not the watch event around it). op is set to KUBE_UPSERT. 0; -EBADMSG:
 * it lacks a name, or a uid where its type has one; -ENOMEM: the arena is full. @ret_o is untouched
 * on failure; *ret_cut (never NULL) is added to.
 */
int kube_obj_parse(const json_t *v, enum kube_type type, enum kube_scope scope, struct arena *a,
		   struct kube_obj *ret_o, uint64_t *ret_cut);
