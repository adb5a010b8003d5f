/*
 * One row per place where a runtime keeps a file, one list of fields per format. A field is looked
 * up in an object of the document (a map, or runc's list of "key=value"), and copied when it is a
 * string that fits. Nothing else of the document is looked at.
 */
#include "enrich/container_name.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "enrich/container_facts.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct field {
	const char *at; /* members to go down, with dots; a string on the way is parsed as JSON */
	const char *key;
	size_t offset; /* in struct container_name */
	size_t size;
	const char *sandbox; /* not copied: this value means the sandbox */
};

typedef bool (*facts_take)(json_t *doc, struct container_name *to);

struct row {
	const char *runtime;
	const char *path; /* '*' is the id */
	const char *id;	  /* the member that must equal the id; in a list, selects the element */
	const struct field *fields;
	facts_take facts;   /* of the same document; NULL: it has none */
	const char *beside; /* another file, with facts; BUNDLE_FILE: in the bundle */
	facts_take beside_facts;
	bool bare; /* facts alone are an answer */
};

#define BUNDLE_FILE "bundle"

/* Which runtime's files a name of cgroup_path.h stands for; NULL for all. */
struct alias {
	const char *name, *runtime;
};

static const struct alias aliases[5];
static const struct row rows[13];

static void json_freep(json_t **j)
{
	json_decref(*j);
}

/* The value below @j that @at names, owned by the caller; NULL when there is none. */
static json_t *value_at(json_t *j, const char *at)
{
	_cleanup_(json_freep) json_t *here = json_incref(j);

	while (here && *at) {
		size_t n = strcspn(at, ".");
		json_t *next = json_object_getn(here, at, n);

		if (json_is_string(next))
			next = json_loadb(json_string_value(next), json_string_length(next), 0, NULL);
		else
			json_incref(next);
		json_decref(here);
		here = next;
		at += n + (at[n] == '.');
	}
	return take_ptr(here);
}

/* The string @key has in a map, in a list of "key=value", or first in a list below it. */
static struct str string_of(json_t *object, const char *key)
{
	json_t *v = json_object_get(object, key), *item;
	size_t i, n = strlen(key);

	if (json_is_array(v))
		v = json_array_get(v, 0);
	if (json_is_string(v))
		return (struct str){ json_string_value(v), json_string_length(v) };
	json_array_foreach(object, i, item) {
		const char *s = json_string_value(item);

		if (s && strncmp(s, key, n) == 0 && s[n] == '=')
			return (struct str){ s + n + 1, json_string_length(item) - n - 1 };
	}
	return STR_NONE;
}

/* True when it gave something. */
static bool field_take(const struct field *f, json_t *doc, struct container_name *to)
{
	_cleanup_(json_freep) json_t *object = value_at(doc, f->at);
	struct str s = string_of(object, f->key);
	char *dst = (char *)to + f->offset;

	if (f->sandbox) {
		to->sandbox = to->sandbox || str_eq(s, str_of(f->sandbox));
		return false;
	}
	if (s.n && s.p[0] == '/' && f->offset == offsetof(struct container_name, name))
		s = str_skip(s, 1); /* docker writes "/name" */
	if (s.n == 0 || s.n >= f->size || dst[0])
		return false;
	memcpy(dst, s.p, s.n);
	dst[s.n] = '\0';
	return true;
}

/* The part of the document about @id, borrowed; NULL when it is about another. */
static json_t *doc_of(const struct row *r, json_t *doc, struct str id)
{
	json_t *item;
	size_t i;

	if (!json_is_array(doc)) {
		if (!json_is_object(doc) || (r->id && !str_eq(string_of(doc, r->id), id)))
			return NULL;
		return doc;
	}
	if (!r->id)
		return NULL;
	json_array_foreach(doc, i, item)
		if (str_eq(string_of(item, r->id), id))
			return item;
	return NULL;
}

static int row_parse(const struct row *r, struct str id, struct str text, struct container_name *ret)
{
	_cleanup_(json_freep) json_t *doc = json_loadb(text.p ? text.p : "", text.n, 0, NULL);
	struct container_name found = { 0 };
	bool any = false;
	json_t *part;

	if (!doc)
		return -EBADMSG;
	part = doc_of(r, doc, id);
	if (!part)
		return json_is_array(doc) ? -ENOENT : -EBADMSG;
	for (const struct field *f = r->fields; f->key; f++)
		any |= field_take(f, part, &found);
	if (r->facts && r->facts(part, &found))
		any |= r->bare;
	if (!any)
		return -ENOENT;
	*ret = found;
	return 0;
}

int container_name_parse(size_t row, struct str id, struct str text, struct container_name *ret)
{
	for (size_t i = 0; rows[i].path; i++)
		if (i == row)
			return row_parse(&rows[i], id, text, ret);
	return -ENOENT;
}

/* @root and @form with the id in the place of its star. */
static int path_make(const char *form, const char *root, struct str id, char path[PATH_MAX])
{
	const char *star = strchrnul(form, '*');
	int n;

	if (*star)
		n = snprintf(path, PATH_MAX, "%s%.*s%.*s%s", root, (int)(star - form), form,
			     STR_ARG(id), star + 1);
	else
		n = snprintf(path, PATH_MAX, "%s%s", root, form);
	return n < 0 || n >= PATH_MAX ? -EINVAL : 0;
}

static int path_bundle(const char *root, const char *bundle, char path[PATH_MAX])
{
	int n = snprintf(path, PATH_MAX, "%s%s/config.json", root, bundle);

	return n < 0 || n >= PATH_MAX ? -EINVAL : 0;
}

/* A regular file's bytes; @ret_data is the caller's to free. */
static int file_read(const char *path, char **ret_data, size_t *ret_n)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	_cleanup_(freep) char *data = NULL;
	size_t n = 0, cap;
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EBADMSG;
	if (st.st_size > CONTAINER_NAME_FILE_MAX)
		return -EFBIG;
	/* One byte more than allowed, to see a file that grew since. */
	cap = CONTAINER_NAME_FILE_MAX + 1;
	data = malloc(cap);
	if (!data)
		return -ENOMEM;
	while (n < cap) {
		ssize_t got = read(fd, data + n, cap - n);

		if (got < 0 && errno != EINTR)
			return -errno;
		if (got == 0)
			break;
		n += got > 0 ? (size_t)got : 0;
	}
	if (n == cap)
		return -EFBIG;
	*ret_data = take_ptr(data);
	*ret_n = n;
	return 0;
}

/* The facts of the file beside; without it they stay unknown. */
static void beside_read(const struct row *r, const char *root, struct str id,
			struct container_name *to)
{
	bool in_bundle = strcmp(r->beside, BUNDLE_FILE) == 0;
	_cleanup_(freep) char *data = NULL;
	_cleanup_(json_freep) json_t *doc = NULL;
	char path[PATH_MAX];
	size_t n = 0;
	int e;

	if (in_bundle && to->bundle[0] != '/')
		return;
	e = in_bundle ? path_bundle(root, to->bundle, path) : path_make(r->beside, root, id, path);
	if (e || file_read(path, &data, &n) != 0)
		return;
	doc = json_loadb(data, n, 0, NULL);
	if (json_is_object(doc))
		r->beside_facts(doc, to);
}

static int row_read(const struct row *r, const char *root, struct str id, struct container_name *ret)
{
	_cleanup_(freep) char *data = NULL;
	char path[PATH_MAX];
	size_t n = 0;
	int e;

	e = path_make(r->path, root, id, path);
	if (e)
		return e;
	e = file_read(path, &data, &n);
	if (e)
		return e == -ENOTDIR ? -ENOENT : e;
	e = row_parse(r, id, (struct str){ data, n }, ret);
	if (!e && r->beside)
		beside_read(r, root, id, ret);
	return e;
}

static bool id_ok(struct str id)
{
	if (id.n == 0 || id.n > CONTAINER_NAME_ID_MAX || id.p[0] == '.')
		return false;
	for (size_t i = 0; i < id.n; i++) {
		char c = id.p[i], l = (char)(c | 0x20);

		if (!(l >= 'a' && l <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_' &&
		    c != '.')
			return false;
	}
	return true;
}

static bool row_for(const struct row *r, const char *runtime)
{
	for (const struct alias *a = aliases; a->name; a++)
		if (strcmp(a->name, runtime) == 0)
			return !a->runtime || strcmp(a->runtime, r->runtime) == 0;
	return strcmp(r->runtime, runtime) == 0;
}

int container_name_read(const char *root, const char *runtime, struct str id,
			struct container_name *ret)
{
	int result = -ENOENT;

	if (!id_ok(id))
		return -EINVAL;
	for (const struct row *r = rows; r->path; r++) {
		int e;

		if (!row_for(r, runtime))
			continue;
		e = row_read(r, root, id, ret);
		if (e == 0)
			return 0;
		if (result == -ENOENT)
			result = e;
	}
	return result;
}

#define TO(member) \
	offsetof(struct container_name, member), sizeof(((struct container_name *)NULL)->member)

/* OCI runtime configuration (config.json) as containerd's CRI plugin and nerdctl annotate it. */
static const struct field containerd_fields[] = {
	{ "annotations", "io.kubernetes.cri.container-name", TO(name) },
	{ "annotations", "io.kubernetes.cri.image-name", TO(image) },
	{ "annotations", "io.kubernetes.cri.sandbox-name", TO(pod_name) },
	{ "annotations", "io.kubernetes.cri.sandbox-namespace", TO(pod_ns) },
	{ "annotations", "io.kubernetes.cri.sandbox-uid", TO(pod_uid) },
	{ "annotations", "nerdctl/name", TO(name) },
	{ "annotations", "io.kubernetes.cri.container-type", .sandbox = "sandbox" },
	{ 0 },
};

/* runc's state: annotations are a list of key=value there, and hold the bundle. */
static const struct field runc_fields[] = {
	{ "config.labels", "bundle", TO(bundle) },
	{ "config.labels", "io.kubernetes.cri.container-name", TO(name) },
	{ "config.labels", "io.kubernetes.cri.image-name", TO(image) },
	{ "config.labels", "io.kubernetes.cri.sandbox-name", TO(pod_name) },
	{ "config.labels", "io.kubernetes.cri.sandbox-namespace", TO(pod_ns) },
	{ "config.labels", "io.kubernetes.cri.sandbox-uid", TO(pod_uid) },
	{ "config.labels", "io.kubernetes.cri.container-type", .sandbox = "sandbox" },
	{ "", "id", TO(name) },
	{ 0 },
};

static const struct field crio_fields[] = {
	{ "annotations", "io.kubernetes.container.name", TO(name) },
	{ "annotations", "io.kubernetes.cri-o.ImageName", TO(image) },
	{ "annotations", "io.kubernetes.cri-o.ImageRef", TO(image_id) },
	{ "annotations", "io.kubernetes.pod.name", TO(pod_name) },
	{ "annotations", "io.kubernetes.cri-o.KubeName", TO(pod_name) },
	{ "annotations", "io.kubernetes.pod.namespace", TO(pod_ns) },
	{ "annotations", "io.kubernetes.cri-o.Namespace", TO(pod_ns) },
	{ "annotations", "io.kubernetes.pod.uid", TO(pod_uid) },
	{ "annotations", "io.kubernetes.cri-o.ContainerType", .sandbox = "sandbox" },
	{ 0 },
};

/* The labels are cri-dockerd's and the former dockershim's; they name better than "k8s_...". */
static const struct field docker_fields[] = {
	{ "Config.Labels", "io.kubernetes.container.name", TO(name) },
	{ "Config.Labels", "io.kubernetes.pod.name", TO(pod_name) },
	{ "Config.Labels", "io.kubernetes.pod.namespace", TO(pod_ns) },
	{ "Config.Labels", "io.kubernetes.pod.uid", TO(pod_uid) },
	{ "Config.Labels", "io.kubernetes.docker.type", .sandbox = "podsandbox" },
	{ "", "Name", TO(name) },
	{ "Config", "Image", TO(image) },
	{ 0 },
};

static const struct field podman_fields[] = {
	{ "", "names", TO(name) },
	{ "metadata", "name", TO(name) },
	{ "metadata", "image-name", TO(image) },
	{ "", "image", TO(image_id) },
	{ 0 },
};

static const struct alias aliases[] = {
	{ "cri", NULL }, { "oci", NULL }, { "ecs", "docker" }, { "kata", "containerd" }, { 0 },
};

#define BUNDLE	    "/io.containerd.runtime.v2.task"
#define STORE	    "/containers/storage/overlay-containers"
#define SNAP_DOCKER "/var/snap/docker/common/var-lib-docker"

#define OCI    .facts = container_facts_oci
#define DOCKER .facts = container_facts_docker, .beside_facts = container_facts_docker_host

static const struct row rows[] = {
	{ "containerd", "/run/containerd" BUNDLE "/k8s.io/*/config.json", NULL, containerd_fields,
	  OCI, .bare = true },
	{ "containerd", "/run/k3s/containerd" BUNDLE "/k8s.io/*/config.json", NULL,
	  containerd_fields, OCI, .bare = true },
	{ "containerd", "/run/k0s/containerd" BUNDLE "/k8s.io/*/config.json", NULL,
	  containerd_fields, OCI, .bare = true },
	{ "containerd", "/var/snap/microk8s/common/run/containerd" BUNDLE "/k8s.io/*/config.json",
	  NULL, containerd_fields, OCI, .bare = true },
	{ "containerd", "/run/containerd" BUNDLE "/default/*/config.json", NULL, containerd_fields,
	  OCI, .bare = true },
	{ "docker", "/var/lib/docker/containers/*/config.v2.json", "ID", docker_fields, DOCKER,
	  .beside = "/var/lib/docker/containers/*/hostconfig.json" },
	{ "docker", SNAP_DOCKER "/containers/*/config.v2.json", "ID", docker_fields, DOCKER,
	  .beside = SNAP_DOCKER "/containers/*/hostconfig.json" },
	{ "cri-o", "/var/lib" STORE "/*/userdata/config.json", NULL, crio_fields, OCI },
	{ "cri-o", "/run" STORE "/*/userdata/config.json", NULL, crio_fields, OCI },
	{ "podman", "/var/lib" STORE "/containers.json", "id", podman_fields,
	  .beside = "/var/lib" STORE "/*/userdata/config.json", .beside_facts = container_facts_oci },
	{ "podman", "/var/lib" STORE "/volatile-containers.json", "id", podman_fields,
	  .beside = "/var/lib" STORE "/*/userdata/config.json", .beside_facts = container_facts_oci },
	{ "runc", "/run/runc/*/state.json", "id", runc_fields, .beside = BUNDLE_FILE,
	  .beside_facts = container_facts_oci },
	{ 0 },
};
