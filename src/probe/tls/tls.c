/*
 * The TLS probe: the plaintext at TLS libraries. Its records are the stream probe's (wire/stream.h), with STREAM_TLS.
 *
 * Where they are probed: symbol/code_places.h, source/functions.h.
 *
 * Read: OpenSSL and BoringSSL, as a library or inside of Node; GnuTLS; Go's crypto/tls as compiled by Go 1.17 and later,
 * stripped too (symbol/go_places.h). Not: rustls, BoringSSL without symbols, Go inside of a C program or as a plugin,
 * and copies of crypto/tls under other names. Their connections stay unread.
 */
#include "probe/probe.h"
#include "wire/stream.h"

static const struct probe_function openssl[] = {
	{ "SSL_read", "tls_read", "tls_done" },
	{ "SSL_write", "tls_write", "tls_done" },
	{ "SSL_read_ex", "tls_read_ex", "tls_done" },
	{ "SSL_write_ex", "tls_write_ex", "tls_done" },
	{ "SSL_do_handshake", "tls_shake", "tls_done" },
	{ "SSL_new", NULL, "tls_made" },
	{ "SSL_free", "tls_freed", NULL },
	{ NULL },
};

static const struct probe_function gnutls[] = {
	{ "gnutls_record_recv", "tls_read", "tls_done" },
	{ "gnutls_record_send", "tls_write", "tls_done" },
	{ "gnutls_handshake", "tls_shake", "tls_done" },
	{ "gnutls_deinit", "tls_freed", NULL },
	{ NULL },
};

/* Handshakes: those that do one, where other functions of that name only ask whether it is done. */
static const struct probe_function go[] = {
	{ "crypto/tls.(*Conn).Read", "tls_go_read", "tls_go_done", "tls_go_given" },
	{ "crypto/tls.(*Conn).Write", "tls_go_write", "tls_go_done" },
	{ "crypto/tls.(*Conn).serverHandshake", "tls_go_shake", "tls_go_done" },
	{ "crypto/tls.(*Conn).clientHandshake", "tls_go_shake", "tls_go_done" },
	{ NULL },
};

/* Also as Python's wheels name it (libssl-1a2b3c.so.3), and programs that have OpenSSL inside. */
static const struct probe_library tls_libraries[] = {
	{ "libssl.so*", openssl }, { "libssl-*.so*", openssl }, { "libgnutls.so*", gnutls },
	{ "node", openssl },	   { "*", go, .go = true },	{ NULL },
};

static const struct probe_hook tls_hooks[] = {
	{ "tls_state", NULL, "sock:inet_sock_set_state" },
	{ "tls_read", .function = true },
	{ "tls_write", .function = true },
	{ "tls_read_ex", .function = true },
	{ "tls_write_ex", .function = true },
	{ "tls_shake", .function = true },
	{ "tls_done", .function = true },
	{ "tls_made", .function = true },
	{ "tls_freed", .function = true },
	{ "tls_go_read", .function = true },
	{ "tls_go_write", .function = true },
	{ "tls_go_shake", .function = true },
	{ "tls_go_done", .function = true },
	{ "tls_go_given", .function = true },
	{ NULL },
};

static const struct probe_decoder tls_decoders[] = {
	{ REC_NONE, NULL },
};

extern const char tls_bpf_elf[], tls_bpf_elf_end[];

const struct probe probe_tls = {
	.name = "tls",
	.help = "plaintext of TLS, for requests",
	.elf = tls_bpf_elf,
	.elf_end = tls_bpf_elf_end,
	.kinds = KIND_BIT(KIND_REQUEST),
	.hooks = tls_hooks,
	.decoders = tls_decoders,
	.libraries = tls_libraries,
	.untied = "tls_untied",
	.prepare = probe_times_prepare,
};
