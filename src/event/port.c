/* IANA's names for the ports that conditions name. */
#include "event/port.h"

static const struct {
	struct str name;
	uint16_t port;
} services[] = {
	{ STR("ftp"), 21 },	{ STR("ssh"), 22 },	     { STR("telnet"), 23 },
	{ STR("smtp"), 25 },	{ STR("domain"), 53 },	     { STR("tftp"), 69 },
	{ STR("http"), 80 },	{ STR("kerberos"), 88 },     { STR("pop3"), 110 },
	{ STR("sunrpc"), 111 }, { STR("ntp"), 123 },	     { STR("imap2"), 143 },
	{ STR("imap"), 143 },	{ STR("snmp"), 161 },	     { STR("ldap"), 389 },
	{ STR("https"), 443 },	{ STR("submission"), 587 },  { STR("ldaps"), 636 },
	{ STR("imaps"), 993 },	{ STR("pop3s"), 995 },	     { STR("nfs"), 2049 },
	{ STR("mysql"), 3306 }, { STR("postgresql"), 5432 }, { STR("redis"), 6379 },
};

#define SERVICES (sizeof(services) / sizeof(services[0]))

struct str port_name(uint16_t port)
{
	for (size_t i = 0; i < SERVICES; i++)
		if (services[i].port == port)
			return services[i].name;
	return STR_NONE;
}

bool port_find(struct str name, uint16_t *ret)
{
	for (size_t i = 0; i < SERVICES; i++)
		if (str_eq(services[i].name, name)) {
			*ret = services[i].port;
			return true;
		}
	return false;
}
