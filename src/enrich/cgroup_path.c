/*
 * A path is walked once, component by component. Each component is looked up in the group of rows
 * its ending selects (.scope, .slice, ..., none); the first row whose place, prefix and id agree
 * says what the component is, and its role says what that does to the answer so far. All knowledge
 * of runtimes stands in the rows at the end; the code before them knows none.
 *
 * A row costs one comparison of a first byte in most cases, so the table may grow.
 */
#include "enrich/cgroup_path.h"

#define S(lit)	 { lit, sizeof(lit) - 1 }
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum role {
	ROLE_CONTAINER,
	ROLE_MONITOR, /* of the container with this id */
	ROLE_POD,
	ROLE_UNIT,
	ROLE_SLICE,   /* a unit too, but a weaker name than a service or scope */
	ROLE_OUTSIDE, /* beside the container just named: only its monitor lives here */
};

enum id {
	ID_HEX64,
	ID_TAIL64, /* anything, then '-' and 64 hex digits */
	ID_UUID,
	ID_GARDEN, /* 8-4-4-4-4 hex digits, then anything */
	ID_ECS,	   /* 32 hex digits, '-', decimal digits */
	ID_NOMAD,  /* uuid '.' task */
	ID_BUILD,  /* 25 characters of base 36 */
	ID_NAME,
	ID_POD,
	ID_EMPTY, /* the prefix is the whole name */
	ID_ANY,
};

enum place {
	PLACE_ANY,
	PLACE_IN_POD,	    /* directly in a pod */
	PLACE_IN_CONTAINER, /* directly in a container of runtime `in` */
	PLACE_UNDER,	    /* the component before is `in` */
	PLACE_TOP_UNDER,    /* ... and is the first of its layer */
	PLACE_BELOW,	    /* the first component of the layer is `in` */
};

struct row {
	struct cgroup_shape shape;
	enum role role;
	enum id id;
	struct str prefix;
	enum place place;
	struct str in;
};

struct group {
	struct str suffix;
	const struct row *rows;
	size_t n;
};

static const struct cgroup_shape plain = { "cgroup", "<path>" };

struct walk {
	struct cgroup_who who;
	struct str top;	   /* first component of this layer */
	struct str before; /* the component before this one, absent at the start of a layer */
	bool in_pod;	   /* that component was a pod */
	bool in_container;
	struct str last;  /* the name of the last container's own cgroup */
	bool strong_unit; /* who.unit is a service or scope */
};

static const uint8_t is_hex[256] = { ['0' ... '9'] = 1, ['a' ... 'f'] = 1 };

static bool hex_run(struct str s, size_t from, size_t n)
{
	uint8_t all = 1;

	if (s.n < from + n)
		return false;
	for (size_t i = from; i < from + n; i++)
		all &= is_hex[(uint8_t)s.p[i]];
	return all;
}

/* 8-4-4-4-@last hex digits at the start of @s. */
static bool dashed(struct str s, char dash, size_t last)
{
	return s.n >= 24 + last && s.p[8] == dash && s.p[13] == dash && s.p[18] == dash &&
	       s.p[23] == dash && hex_run(s, 0, 8) && hex_run(s, 9, 4) && hex_run(s, 14, 4) &&
	       hex_run(s, 19, 4) && hex_run(s, 24, last);
}

static bool id_hex64(struct str s, struct str *ret)
{
	if (s.n != 64 || !hex_run(s, 0, 64))
		return false;
	*ret = s;
	return true;
}

static bool id_tail64(struct str s, struct str *ret)
{
	if (s.n < 66 || s.p[s.n - 65] != '-')
		return false;
	return id_hex64(str_skip(s, s.n - 64), ret);
}

static bool id_uuid(struct str s, struct str *ret)
{
	if (s.n != 36 || !dashed(s, '-', 12))
		return false;
	*ret = s;
	return true;
}

/* What runtimes allow in names: containerd's and LXC's characters, and systemd's \xHH escapes. */
static bool id_name(struct str s, struct str *ret)
{
	if (s.n == 0 || s.n > 253 || s.p[0] == '.' || s.p[0] == '-')
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i], l = (char)(c | 0x20);

		if (!((l >= 'a' && l <= 'z') || (c >= '-' && c <= '9' && c != '/') || c == '_' ||
		      c == '\\'))
			return false;
	}
	*ret = s;
	return true;
}

static bool id_garden(struct str s, struct str *ret)
{
	return dashed(s, '-', 4) && id_name(s, ret);
}

static bool id_ecs(struct str s, struct str *ret)
{
	if (s.n < 34 || s.n > 53 || s.p[32] != '-' || !hex_run(s, 0, 32))
		return false;
	for (size_t i = 33; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	*ret = s;
	return true;
}

static bool id_nomad(struct str s, struct str *ret)
{
	return dashed(s, '-', 12) && s.n > 37 && s.p[36] == '.' && id_name(s, ret);
}

static bool id_build(struct str s, struct str *ret)
{
	if (s.n != 25)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] >= 'a' && s.p[i] <= 'z') && !(s.p[i] >= '0' && s.p[i] <= '9'))
			return false;
	*ret = s;
	return true;
}

struct qos_word {
	struct str end;
	enum cgroup_qos qos;
};

/* How the part before "pod<uid>" ends; the capitals are Kubernetes 1.5's. */
static const struct qos_word qos_words[] = {
	{ S("burstable"), CGROUP_QOS_BURSTABLE },   { S("besteffort"), CGROUP_QOS_BESTEFFORT },
	{ S("kubepods"), CGROUP_QOS_GUARANTEED },   { S("Burstable"), CGROUP_QOS_BURSTABLE },
	{ S("BestEffort"), CGROUP_QOS_BESTEFFORT }, { S("guaranteed"), CGROUP_QOS_GUARANTEED },
};

static enum cgroup_qos qos_of(struct str lead)
{
	for (size_t i = 0; i < COUNT(qos_words); i++)
		if (str_ends(lead, qos_words[i].end))
			return qos_words[i].qos;
	return CGROUP_QOS_NONE;
}

/* The part of @name before "pod" and its UID, without the dash between them. */
static struct str pod_lead(struct str name, struct str uid)
{
	struct str lead = { name.p, (size_t)(uid.p - name.p) - 3 };

	if (lead.n && lead.p[lead.n - 1] == '-')
		lead.n--;
	return lead;
}

/*
 * "pod" and a UID at the end: 36 characters by either separator, or a static pod's 32. What stands
 * before it in the same name must end in a word of the kubelet's.
 */
static bool id_pod(struct str s, struct str *ret)
{
	struct str tail;

	if (s.n >= 39 && memcmp(s.p + s.n - 39, "pod", 3) == 0) {
		tail = str_skip(s, s.n - 36);
		if (!dashed(tail, '_', 12) && !dashed(tail, '-', 12))
			return false;
	} else if (s.n >= 35 && memcmp(s.p + s.n - 35, "pod", 3) == 0) {
		tail = str_skip(s, s.n - 32);
		if (!hex_run(tail, 0, 32))
			return false;
	} else {
		return false;
	}
	if (tail.p - s.p > 3 && qos_of(pod_lead(s, tail)) == CGROUP_QOS_NONE)
		return false;
	*ret = tail;
	return true;
}

static bool id_empty(struct str s, struct str *ret)
{
	*ret = s;
	return s.n == 0;
}

static bool id_any(struct str s, struct str *ret)
{
	*ret = s;
	return true;
}

/* @len: the only length it can have, 0 for any; most rows fail on that alone. */
static const struct {
	size_t len;
	bool (*match)(struct str, struct str *);
} ids[] = {
	[ID_HEX64] = { 64, id_hex64 }, [ID_TAIL64] = { 0, id_tail64 },
	[ID_UUID] = { 36, id_uuid },   [ID_GARDEN] = { 0, id_garden },
	[ID_ECS] = { 0, id_ecs },      [ID_NOMAD] = { 0, id_nomad },
	[ID_BUILD] = { 25, id_build }, [ID_NAME] = { 0, id_name },
	[ID_POD] = { 0, id_pod },      [ID_EMPTY] = { 0, id_empty },
	[ID_ANY] = { 0, id_any },
};

static bool place_match(const struct row *r, const struct walk *w)
{
	switch (r->place) {
	case PLACE_ANY:
		return true;
	case PLACE_IN_POD:
		return w->in_pod;
	case PLACE_IN_CONTAINER:
		return w->in_container && str_eq(str_of(w->who.shape->runtime), r->in);
	case PLACE_UNDER:
		return str_eq(w->before, r->in);
	case PLACE_TOP_UNDER:
		return str_eq(w->before, r->in) && w->before.p == w->top.p;
	case PLACE_BELOW:
		return str_eq(w->top, r->in) && w->before.p;
	}
	return false;
}

static void layer_begin(struct walk *w)
{
	w->top = STR_NONE;
	w->who.unit = STR_NONE;
	w->strong_unit = false;
}

static void take_container(struct walk *w, const struct row *r, struct str id)
{
	struct cgroup_who *who = &w->who;

	/* Some runtimes repeat their own path below it; that is no new layer. */
	if (who->container_id.p && str_eq(who->container_id, id))
		return;
	if (who->container_id.p)
		who->nested = true;
	if (!who->outer_id.p)
		who->outer_id = id;
	if (who->pod_uid.p && !who->pod_container_id.p)
		who->pod_container_id = id;
	who->container_id = id;
	who->monitor_of = STR_NONE;
	who->shape = &r->shape;
	layer_begin(w);
}

static void take_pod(struct walk *w, const struct row *r, struct str uid, struct str name)
{
	struct cgroup_who *who = &w->who;
	struct str lead = pod_lead(name, uid);

	if (lead.n == 0)
		lead = w->before;
	if (who->container_id.p || who->pod_uid.p)
		who->nested = true;
	if (!who->outer_pod_uid.p)
		who->outer_pod_uid = uid;
	who->container_id = STR_NONE;
	who->pod_container_id = STR_NONE;
	who->monitor_of = STR_NONE;
	who->pod_uid = uid;
	who->qos = qos_of(lead);
	who->shape = &r->shape;
	layer_begin(w);
}

static void take_unit(struct walk *w, const struct row *r, struct str name, bool strong)
{
	if (w->strong_unit && !strong)
		return;
	w->who.unit = name;
	w->strong_unit = strong;
	if (!w->who.container_id.p && !w->who.pod_uid.p)
		w->who.shape = &r->shape;
}

static void take_monitor(struct walk *w, const struct row *r, struct str id, struct str name,
			 bool unit)
{
	if (unit)
		take_unit(w, r, name, true);
	w->who.monitor_of = id;
	if (!w->who.container_id.p)
		w->who.shape = &r->shape;
}

/* A monitor in a sub-group of the container's own unit. Inside another container it stays put. */
static void take_outside(struct walk *w, struct str name)
{
	struct cgroup_who *who = &w->who;

	if (who->nested || who->pod_uid.p)
		return;
	who->monitor_of = who->container_id;
	who->container_id = STR_NONE;
	who->outer_id = STR_NONE;
	who->unit = name;
	w->strong_unit = true;
}

static void take(struct walk *w, const struct row *r, struct str id, struct str stem, struct str name)
{
	w->in_pod = r->role == ROLE_POD;
	w->in_container = r->role == ROLE_CONTAINER;
	switch (r->role) {
	case ROLE_CONTAINER:
		take_container(w, r, id);
		break;
	case ROLE_MONITOR:
		take_monitor(w, r, id, name, stem.n < name.n);
		break;
	case ROLE_POD:
		take_pod(w, r, id, stem);
		break;
	case ROLE_UNIT:
	case ROLE_SLICE:
		take_unit(w, r, name, r->role == ROLE_UNIT);
		break;
	case ROLE_OUTSIDE:
		take_outside(w, w->last);
		break;
	}
}

#define SUFFIX_MAX 12 /* bytes of the longest suffix of groups[] */
static const struct group groups[7];
static const struct group bare_group, colon_group;

/* Which rows may fit, and in @ret the name without the ending that decided it. */
static const struct group *group_of(struct str name, struct str *ret)
{
	size_t from = name.n > SUFFIX_MAX ? name.n - SUFFIX_MAX : 0;

	*ret = name;
	if (!memchr(str_skip(name, from).p, '.', name.n - from))
		return &bare_group;
	for (size_t i = 0; i < COUNT(groups); i++) {
		if (str_ends(name, groups[i].suffix)) {
			ret->n -= groups[i].suffix.n;
			return &groups[i];
		}
	}
	return &bare_group;
}

static bool row_match(const struct row *r, const struct walk *w, struct str stem, struct str *ret_id)
{
	size_t len = ids[r->id].len;

	if (stem.n < r->prefix.n || (len && stem.n - r->prefix.n != len))
		return false;
	if (r->prefix.n && (stem.p[0] != r->prefix.p[0] || !str_starts(stem, r->prefix)))
		return false;
	return place_match(r, w) && ids[r->id].match(str_skip(stem, r->prefix.n), ret_id);
}

static void component(struct walk *w, const struct group *g, struct str stem, struct str name)
{
	struct str id;

	for (size_t i = 0; i < g->n; i++) {
		const struct row *r = &g->rows[i];

		if (!row_match(r, w, stem, &id))
			continue;
		take(w, r, id, stem, name);
		if (!w->in_pod && !w->in_container)
			break;
		w->last = name;
		w->before = STR_NONE;
		return;
	}
	w->in_pod = w->in_container = false;
	w->before = name;
	if (!w->top.p)
		w->top = name;
}

/* One component; "<slice>:<prefix>:<name>" is two. */
static void component_split(struct walk *w, struct str name)
{
	const char *colon = memchr(name.p, ':', name.n);
	struct str stem, head = name;

	if (colon) {
		head.n = (size_t)(colon - name.p);
		if (!str_ends(head, STR(".slice")))
			head = name;
	}
	const struct group *g = group_of(head, &stem);

	component(w, g, stem, head);
	if (head.n < name.n) {
		struct str rest = str_skip(name, head.n + 1);

		component(w, &colon_group, rest, rest);
	}
}

/* Walks @path, which starts with '/'. False when ".." follows a name. */
static bool walk_path(struct walk *w, struct str path)
{
	const char *p = path.p, *end = path.p + path.n;
	bool named = false;

	while (p < end) {
		const char *slash = memchr(p, '/', (size_t)(end - p));
		struct str name = { p, (size_t)((slash ? slash : end) - p) };

		p = slash ? slash + 1 : end;
		if (name.n == 0)
			continue;
		if (str_eq(name, STR(".."))) {
			if (named)
				return false;
			w->who.relative = true;
			continue;
		}
		named = true;
		component_split(w, name);
	}
	return true;
}

bool cgroup_path_parse(struct str path, struct cgroup_who *ret)
{
	struct walk w = { .who = { .shape = &plain } };

	if (path.n == 0 || path.n > CGROUP_PATH_MAX || path.p[0] != '/' ||
	    memchr(path.p, '\n', path.n) || memchr(path.p, '\0', path.n))
		return false;
	if (str_ends(path, STR(" (deleted)")))
		path.n -= sizeof(" (deleted)") - 1;
	if (!walk_path(&w, path))
		return false;
	*ret = w.who;
	return true;
}

struct str cgroup_pod_uid(struct str raw, char buf[CGROUP_POD_UID_LEN])
{
	if (!raw.p || raw.n > CGROUP_POD_UID_LEN)
		return STR_NONE;
	for (size_t i = 0; i < raw.n; i++)
		buf[i] = raw.p[i] == '_' ? '-' : raw.p[i];
	return (struct str){ buf, raw.n };
}

const char *cgroup_qos_name(enum cgroup_qos qos)
{
	static const char *const names[] = {
		[CGROUP_QOS_NONE] = "",
		[CGROUP_QOS_GUARANTEED] = "Guaranteed",
		[CGROUP_QOS_BURSTABLE] = "Burstable",
		[CGROUP_QOS_BESTEFFORT] = "BestEffort",
	};

	return (size_t)qos < COUNT(names) ? names[qos] : "";
}

/* A component known by its name, and one known by where it stands. */
#define IS(role, runtime, form, id, prefix) { { runtime, form }, ROLE_##role, ID_##id, S(prefix) }
#define IN(role, runtime, form, id, place, in) \
	{ { runtime, form }, ROLE_##role, ID_##id, S(""), PLACE_##place, S(in) }

/* In all groups the specific stand before the general: the first that fits decides. */

static const struct row scope_rows[] = {
	IS(CONTAINER, "containerd", "cri-containerd-<id>.scope", HEX64, "cri-containerd-"),
	IS(MONITOR, "cri-o", "crio-conmon-<id>.scope", HEX64, "crio-conmon-"),
	IS(CONTAINER, "cri-o", "crio-<id>.scope", HEX64, "crio-"),
	IS(CONTAINER, "docker", "docker-<id>.scope", HEX64, "docker-"),
	IS(CONTAINER, "buildkit", "docker-<build>.scope", BUILD, "docker-"),
	IS(MONITOR, "podman", "libpod-conmon-<id>.scope", HEX64, "libpod-conmon-"),
	IS(CONTAINER, "podman", "libpod-<id>.scope", HEX64, "libpod-"),
	IS(CONTAINER, "containerd", "nerdctl-<id>.scope", HEX64, "nerdctl-"),
	IS(UNIT, "systemd", "machine-qemu<vm>.scope", ANY, "machine-qemu"),
	IS(CONTAINER, "libvirt-lxc", "machine-lxc\\x2d<name>.scope", NAME, "machine-lxc\\x2d"),
	IS(CONTAINER, "nspawn", "machine-<name>.scope", NAME, "machine-"),
	IS(CONTAINER, "runc", "runc-<name>.scope", NAME, "runc-"),
	IS(CONTAINER, "crun", "crun-<name>.scope", NAME, "crun-"),
	IS(CONTAINER, "bpm", "bpm-<job>.scope", NAME, "bpm-"),
	IS(CONTAINER, "nomad", "<allocation>.<task>.scope", NOMAD, ""),
	IS(SLICE, "systemd", "init.scope", EMPTY, "init"),
	IS(CONTAINER, "oci", "<prefix>-<id>.scope", TAIL64, ""),
	IS(UNIT, "systemd", "<name>.scope", ANY, ""),
};

static const struct row slice_rows[] = {
	IS(POD, "kubelet", "kubepods-<qos>-pod<uid>.slice", POD, ""),
	IS(SLICE, "systemd", "<name>.slice", ANY, ""),
};

static const struct row service_rows[] = {
	IS(CONTAINER, "nspawn", "systemd-nspawn@<name>.service", NAME, "systemd-nspawn@"),
	IS(UNIT, "systemd", "<name>.service", ANY, ""),
};

static const struct row unit_rows[] = {
	IS(UNIT, "systemd", "<name>.mount, .socket, .swap", ANY, ""),
};

static const struct row libvirt_rows[] = {
	IS(CONTAINER, "libvirt-lxc", "lxc-<name>.libvirt-lxc", NAME, "lxc-"),
};

/* The rest of <slice>:<prefix>:<name>, which a cgroupfs driver takes for a plain name. */
static const struct row colon_rows[] = {
	IS(CONTAINER, "containerd", "<slice>:cri-containerd:<id>", HEX64, "cri-containerd:"),
	IS(CONTAINER, "cri-o", "<slice>:crio:<id>", HEX64, "crio:"),
	IS(CONTAINER, "docker", "<slice>:docker:<id>", HEX64, "docker:"),
	IS(CONTAINER, "buildkit", "<slice>:docker:<build>", BUILD, "docker:"),
	IS(CONTAINER, "podman", "<slice>:libpod:<id>", HEX64, "libpod:"),
	IS(CONTAINER, "containerd", "<slice>:nerdctl:<id>", HEX64, "nerdctl:"),
	IS(CONTAINER, "runc", "<slice>:runc:<name>", NAME, "runc:"),
};

static const struct row bare_rows[] = {
	IS(POD, "kubelet", "pod<uid>", POD, ""),
	IN(CONTAINER, "cri", "pod<uid>/<id>", HEX64, IN_POD, ""),
	IN(CONTAINER, "cri", "pod<uid>/<uuid>", UUID, IN_POD, ""),
	IS(CONTAINER, "kata", "pod<uid>/kata_<id>", HEX64, "kata_"),
	IN(MONITOR, "kata", "kata_overhead/<id>", HEX64, UNDER, "kata_overhead"),
	IN(CONTAINER, "docker", "docker/<id>", HEX64, UNDER, "docker"),
	IN(CONTAINER, "docker", "docker/buildx/<id>", HEX64, UNDER, "buildx"),
	IN(CONTAINER, "docker", "actions_job/<id>", HEX64, UNDER, "actions_job"),
	IN(CONTAINER, "docker", "moby/<id>", HEX64, UNDER, "moby"),
	IN(CONTAINER, "containerd", "k8s.io/<id>", HEX64, UNDER, "k8s.io"),
	IN(CONTAINER, "containerd", "default/<name>", NAME, TOP_UNDER, "default"),
	IN(CONTAINER, "buildkit", "buildkit/<build>", BUILD, UNDER, "buildkit"),
	IS(MONITOR, "cri-o", "crio-conmon-<id>", HEX64, "crio-conmon-"),
	IS(CONTAINER, "cri-o", "crio-<id>", HEX64, "crio-"),
	IS(MONITOR, "podman", "libpod-conmon-<id>", HEX64, "libpod-conmon-"),
	IS(CONTAINER, "podman", "libpod-payload-<id>", HEX64, "libpod-payload-"),
	IS(CONTAINER, "podman", "libpod-<id>", HEX64, "libpod-"),
	IS(CONTAINER, "lxc", "lxc.payload.<name>", NAME, "lxc.payload."),
	IS(MONITOR, "lxc", "lxc.monitor.<name>", NAME, "lxc.monitor."),
	IN(CONTAINER, "lxc", "lxc.payload/<name>", NAME, UNDER, "lxc.payload"),
	IN(MONITOR, "lxc", "lxc.monitor/<name>", NAME, UNDER, "lxc.monitor"),
	IN(CONTAINER, "lxc", "incus.payload/<name>", NAME, UNDER, "incus.payload"),
	IN(MONITOR, "lxc", "incus.monitor/<name>", NAME, UNDER, "incus.monitor"),
	IN(CONTAINER, "lxc", "lxc/<name>", NAME, UNDER, "lxc"),
	IN(CONTAINER, "ecs", "ecs/<task>/<id>", HEX64, BELOW, "ecs"),
	IN(CONTAINER, "ecs", "ecs/<task>/<task>-<number>", ECS, BELOW, "ecs"),
	IN(CONTAINER, "garden", "garden/<handle>", GARDEN, UNDER, "garden"),
	IN(CONTAINER, "garden", "garden/good/<handle>", GARDEN, UNDER, "good"),
	IN(CONTAINER, "garden", "garden/bad/<handle>", GARDEN, UNDER, "bad"),
	IN(CONTAINER, "bpm", "bpm/<job>", NAME, UNDER, "bpm"),
	IN(CONTAINER, "mesos", "mesos/<uuid>", UUID, UNDER, "mesos"),
	IN(CONTAINER, "nomad", "nomad/<allocation>.<task>", NOMAD, BELOW, "nomad"),
	{ { "nspawn", "<machine>/supervisor" },
	  ROLE_OUTSIDE,
	  ID_EMPTY,
	  S("supervisor"),
	  PLACE_IN_CONTAINER,
	  S("nspawn") },
	IS(CONTAINER, "oci", "<id>", HEX64, ""),
};

#define GROUP(end, rows) { S(end), rows, COUNT(rows) }
static const struct group groups[] = {
	GROUP(".scope", scope_rows),	     GROUP(".slice", slice_rows),
	GROUP(".service", service_rows),     GROUP(".mount", unit_rows),
	GROUP(".socket", unit_rows),	     GROUP(".swap", unit_rows),
	GROUP(".libvirt-lxc", libvirt_rows),
};
static const struct group bare_group = GROUP("", bare_rows);
static const struct group colon_group = GROUP("", colon_rows);
