/*
 * Small readers of three documents. A member that is not of its type is as good as absent; a
 * document nested deeper or larger than container_name reads never gets here.
 */
#include "enrich/container_facts.h"

#include <stdio.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* A member below @j; NULL when any on the way is missing. */
static json_t *below(json_t *j, const char *const *path)
{
	for (; j && *path; path++)
		j = json_object_get(j, *path);
	return j;
}
#define BELOW(j, ...) below(j, (const char *const[]){ __VA_ARGS__, NULL })

static const char *text_of(json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static bool list_has(json_t *list, const char *text)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
		if (json_is_string(item) && strcmp(json_string_value(item), text) == 0)
			return true;
	return false;
}

/* A path as it stands in a mount's text, where colons part it. */
static void path_put(char **at, const char *path)
{
	for (; *path; path++)
		*(*at)++ = *path == ':' ? '?' : *path;
}

bool container_mount_add(struct container_name *to, const char *source, const char *dest,
			 const char *mode, bool rdwr, const char *propagation)
{
	char *at = to->mounts + to->mounts_n;
	size_t room = sizeof(to->mounts) - to->mounts_n;

	source = source ? source : "";
	dest = dest ? dest : "";
	mode = mode ? mode : "";
	propagation = propagation ? propagation : "";
	if (strlen(source) + strlen(dest) + strlen(mode) + strlen(propagation) + 10 > room)
		return false;
	path_put(&at, source);
	*at++ = ':';
	path_put(&at, dest);
	at += sprintf(at, ":%s:%s:%s", mode, rdwr ? "true" : "false", propagation);
	to->mounts_n = (size_t)(at + 1 - to->mounts);
	return true;
}

/* --- OCI ------------------------------------------------------------------------------------- */

static const char *oci_propagation(json_t *options)
{
	static const char *const known[][2] = {
		{ "rprivate", "private" }, { "private", "private" }, { "rslave", "rslave" },
		{ "slave", "slave" },	   { "rshared", "rshared" }, { "shared", "shared" },
	};

	for (size_t i = 0; i < COUNT(known); i++)
		if (list_has(options, known[i][0]))
			return known[i][1];
	return "private";
}

/* Those from the host only: not the container's own /proc, /dev and the like. */
static void oci_mount(json_t *m, struct container_name *to)
{
	json_t *options = json_object_get(m, "options");
	const char *type = text_of(m, "type");

	if (!(type && strcmp(type, "bind") == 0) && !list_has(options, "bind") &&
	    !list_has(options, "rbind"))
		return;
	container_mount_add(to, text_of(m, "source"), text_of(m, "destination"), "",
			    !list_has(options, "ro"), oci_propagation(options));
}

static bool oci_all_devices(json_t *rules)
{
	bool all = false;
	json_t *rule;
	size_t i;

	/* The last rule about everything counts. */
	json_array_foreach(rules, i, rule) {
		const char *type = text_of(rule, "type"), *access = text_of(rule, "access");

		if ((type && strcmp(type, "a") != 0) || json_object_get(rule, "major") ||
		    (access && !(strchr(access, 'r') && strchr(access, 'w'))))
			continue;
		all = json_is_true(json_object_get(rule, "allow"));
	}
	return all;
}

static bool oci_privileged(json_t *doc)
{
	json_t *caps = BELOW(doc, "process", "capabilities", "bounding");
	json_t *linux_part = json_object_get(doc, "linux");

	return json_array_size(json_object_get(linux_part, "maskedPaths")) == 0 &&
	       json_array_size(json_object_get(linux_part, "readonlyPaths")) == 0 &&
	       list_has(caps, "CAP_SYS_ADMIN") && list_has(caps, "CAP_SYS_MODULE") &&
	       list_has(caps, "CAP_SYS_RAWIO") &&
	       oci_all_devices(BELOW(linux_part, "resources", "devices"));
}

bool container_facts_oci(json_t *doc, struct container_name *to)
{
	json_t *mounts = json_object_get(doc, "mounts"), *m;
	size_t i;

	if (!json_is_object(json_object_get(doc, "linux")) ||
	    !json_is_object(json_object_get(doc, "process")))
		return false;
	to->privileged = oci_privileged(doc) ? SAID_YES : SAID_NO;
	json_array_foreach(mounts, i, m)
		oci_mount(m, to);
	return true;
}

/* --- docker ----------------------------------------------------------------------------------- */

static void text_set(char *to, size_t size, const char *text)
{
	if (text && strlen(text) < size && !to[0])
		memcpy(to, text, strlen(text) + 1);
}

/* A volume of docker's own has a name; where it stands follows from it. */
static void docker_mount(json_t *m, struct container_name *to)
{
	const char *source = text_of(m, "Source"), *volume = text_of(m, "Name");
	char path[512];

	if ((!source || !source[0]) && volume && volume[0]) {
		if (strlen(volume) > sizeof(path) - 64)
			return;
		snprintf(path, sizeof(path), "/var/lib/docker/volumes/%.*s/_data",
			 (int)strlen(volume), volume);
		source = path;
	}
	container_mount_add(to, source, text_of(m, "Destination"), text_of(m, "Relabel"),
			    json_is_true(json_object_get(m, "RW")), text_of(m, "Propagation"));
}

bool container_facts_docker(json_t *doc, struct container_name *to)
{
	const char *key;
	json_t *one;

	text_set(to->image_id, sizeof(to->image_id), text_of(doc, "Image"));
	json_object_foreach(json_object_get(doc, "MountPoints"), key, one)
		docker_mount(one, to);
	json_object_foreach(BELOW(doc, "NetworkSettings", "Networks"), key, one) {
		const char *ip = text_of(one, "IPAddress");

		if (ip && ip[0])
			text_set(to->ip, sizeof(to->ip), ip);
	}
	return true;
}

bool container_facts_docker_host(json_t *doc, struct container_name *to)
{
	json_t *privileged = json_object_get(doc, "Privileged");

	if (!json_is_boolean(privileged))
		return false;
	to->privileged = json_is_true(privileged) ? SAID_YES : SAID_NO;
	return true;
}
