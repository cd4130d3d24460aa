/* SPDX-License-Identifier: MIT */
/*
 * conf_table.c - every directive of tcpd.conf, one row each.
 *
 * A default is text, read by the same code as a file's.  A profile is a
 * column of defaults: what it leaves out is the first column's.
 */
#include <assert.h>
#include <string.h>

#include "conf_table.h"

#define ARRAY_SIZE(a)  (sizeof(a) / sizeof((a)[0]))
#define SIZE_OF(st, m) (uint16_t)sizeof(((struct st *)NULL)->m)
#define MEMBER(st, m)  .off = offsetof(struct st, m), .size = SIZE_OF(st, m)
#define LIST(st, m, n)                                               \
	.list = true, MEMBER(st, m), .noff = offsetof(struct st, n), \
	.nsize = SIZE_OF(st, n)
/* a pointer to the values, which nobody copies */
#define POINTER(st, m, n)                            \
	.list = true, .off = offsetof(struct st, m), \
	.noff = offsetof(struct st, n), .nsize = SIZE_OF(st, n)
#define CONN	.owner = CONF_OF_CONN, .scope = CONF_TOP | CONF_SERVICE
#define TOP	.owner = CONF_OF_CONF, .scope = CONF_TOP
#define SERVICE .owner = CONF_OF_SERVICE, .scope = CONF_SERVICE
#define ALLOW	.owner = CONF_OF_ALLOW, .scope = CONF_ALLOW
#define K	UINT64_C(1024)

const struct conf_profile conf_profiles[CONF_NPROFILES] = {
	[CONF_MODERN] = {"modern", TCPD_SEC(1), 7, 7, false},
	[CONF_TUTORIAL] = {"tutorial", TCPD_SEC(3), 7, 7, false},
	[CONF_LINUX] = {"linux", TCPD_SEC(1), 10, 8, true},
};

/* clang-format off */
static const struct conf_choice offloads[] = {
	{"auto", true, false}, {"off", false, false}, {0}};
static const struct conf_choice removals[] = {
	{"reset", false, false}, {"keep", true, false}, {0}};
static const struct conf_choice profiles[] = {
	{"modern", CONF_MODERN, false}, {"tutorial", CONF_TUTORIAL, false},
	{"linux", CONF_LINUX, false}, {0}};
static const struct conf_choice cookies[] = {
	{"off", TCPD_COOKIES_OFF, false}, {"auto", TCPD_COOKIES_AUTO, false},
	{"always", TCPD_COOKIES_ALWAYS, false}, {0}};
static const struct conf_choice ecn[] = {
	{"off", TCPD_ECN_OFF, false}, {"passive", TCPD_ECN_PASSIVE, false},
	{"on", TCPD_ECN_ON, false}, {0}};
static const struct conf_choice fast_open[] = {
	{"off", 0, false}, {"client", TCPD_FO_CLIENT, false},
	{"server", TCPD_FO_SERVER, false},
	{"both", TCPD_FO_CLIENT | TCPD_FO_SERVER, false}, {0}};
static const struct conf_choice congestion[] = {
	{"newreno", TCPD_CC_NEWRENO, false},
	{"cubic", TCPD_CC_CUBIC, false}, {"bbr", TCPD_CC_BBR, false}, {0}};
static const struct conf_choice levels[] = {
	{"error", CONF_LOG_ERROR, false}, {"warn", CONF_LOG_WARN, false},
	{"info", CONF_LOG_INFO, false}, {"debug", CONF_LOG_DEBUG, false}, {0}};
static const struct conf_choice no_file[] = {{"off", 0, false}, {0}};
static const struct conf_choice kinds[] = {
	{"http", CONF_HTTP, false}, {"echo", CONF_ECHO, false},
	{"discard", CONF_DISCARD, false}, {"chargen", CONF_CHARGEN, false},
	{"daytime", CONF_DAYTIME, false}, {"forward", CONF_FORWARD, false},
	{"exec", 0, true}, {0}};
static const struct conf_choice proxies[] = {{"v2", true, false}, {0}};

const struct conf_row conf_rows[] = {
{ "tun", TOP, .type = CONF_T_TUN, MEMBER(conf, tun), .max = CONF_NAME_MAX - 1,
  .def = {"tcpd0"},
  .meaning = "Name of the TUN interface. It is made if it is absent, and "
	"used if it exists (persistent, owned by the user)." },
{ "addresses", TOP, .type = CONF_T_PREFIXES,
  POINTER(conf, addresses, naddresses), .nmin = 1, .nmax = TCPD_MAX_ADDRS,
  .local = true, .def = {"10.77.0.2/24, fd77::2/64"},
  .meaning = "The stack's own addresses. The prefix length tells the "
	"broadcast address. An entry that ends in \" local\" owns its whole "
	"prefix (gateways)." },
{ "removed-address", TOP, .type = CONF_T_CHOICE, MEMBER(conf, keep_removed),
  .choices = removals, .def = {"reset"},
  .meaning = "What becomes of connections whose own address a reload takes out "
	"of \"addresses\". reset: they end with a reset, half-open and TIME-WAIT "
	"entries with them. keep: they live on until they end by themselves; "
	"nothing new begins there. A program's listener on such an address ends "
	"by reset (accept fails), and hears no more by keep." },
{ "host-addresses", TOP, .type = CONF_T_PREFIXES,
  POINTER(conf, host_addresses, nhost_addresses), .nmax = TCPD_MAX_ADDRS,
  .def = {"10.77.0.1/24, fd77::1/64"},
  .meaning = "Set on the TUN interface when tcpd has the right to, with a "
	"route for every address of \"addresses\" that they do not cover; {} "
	"leaves the interface alone. Where the kernel takes no IPv6 there, "
	"the IPv6 entries of both lists are left out with one warning." },
{ "mtu", TOP, .type = CONF_T_COUNT, MEMBER(conf, mtu),
  .min = 68, .max = 65535, .def = {"1500"},
  .meaning = "Greatest packet on the TUN interface, in octets. Below 1280 "
	"there is no IPv6. Below 88 a Linux peer's segments, which have 48 "
	"octets at least, come in fragments." },
{ "txqueuelen", TOP, .type = CONF_T_COUNT, MEMBER(conf, txqueuelen),
  .min = 1, .max = 1000000, .def = {"10000"},
  .meaning = "Packets that the kernel keeps for tcpd on the TUN interface." },
{ "offload", TOP, .type = CONF_T_CHOICE, MEMBER(conf, offload),
  .choices = offloads, .def = {"auto"},
  .meaning = "auto: virtio-net header, checksum and segmentation offload "
	"where the device has them. off: one plain packet a segment." },
{ "run-dir", TOP, .type = CONF_T_PATH, MEMBER(conf, run_dir),
  .max = 107 - sizeof("/app.sock") + 1, .def = {"/run/tcpd"},
  .meaning = "Where app.sock (0666; rules: \"allow\") and ctl.sock (0660, "
	"\"group\") live; and epoch (0600), the key and the clock by which "
	"sequence numbers and time stamps go on after a restart." },
{ "user", TOP, .type = CONF_T_USER, MEMBER(conf, user), .def = {"tcpd"},
  .meaning = "Whom to become after start. As root, a user that does not "
	"exist is an error; not as root, tcpd stays who it is, and asking "
	"for another user is an error." },
{ "group", TOP, .type = CONF_T_USER, MEMBER(conf, group), .def = {"tcpd"},
  .meaning = "Group of ctl.sock, and of tcpd after start." },
{ "profile", TOP, .type = CONF_T_WORD, MEMBER(conf, profile),
  .choices = profiles, .def = {"modern", "tutorial", "linux"},
  .meaning = "A set of defaults. modern: the RFCs' and today's practice. "
	"tutorial: the numbers of older books, with an initial "
	"retransmission time-out of 3 s. linux: where the RFCs leave a choice, "
	"as Linux chooses: a window scale of 8; ten more SYNs, the first five a "
	"second apart; a retransmission time-out of the round trip and 200 ms "
	"at least; in place of pacing (but for congestion control that has a "
	"rate) short bursts, each with PSH at its end; a retransmission that "
	"is lost again is no second congestion. A directive that is written "
	"wins over the profile, wherever it stands." },
{ "synack-backoff", CONN, .type = CONF_T_WAITS,
  LIST(tcpd_conn_settings, synack_wait, nsynack_waits),
  .nmin = 1, .nmax = TCPD_MAX_WAITS, .min = TCPD_MS(1), .max = TCPD_SEC(3600),
  .def = {"1s, 2s, 4s, 8s, 16s, 32s", "3s, 6s, 12s, 24s, 48s"},
  .meaning = "Waits after each SYN-ACK; after the last one the half-open "
	"entry is dropped." },
{ "syn-cookies", CONN, .type = CONF_T_CHOICE,
  MEMBER(tcpd_conn_settings, syn_cookies), .choices = cookies,
  .def = {"auto"},
  .meaning = "Whether a SYN may be answered with a cookie, which needs no "
	"entry. off: never; while the half-open table is full, SYNs are "
	"dropped. auto: when the table is under pressure (three quarters in "
	"use): then the oldest entry with a cookie makes room for a new one, "
	"and SYN-ACKs are not repeated. always: every SYN; nothing is kept." },
{ "backlog", CONN, .type = CONF_T_COUNT, MEMBER(tcpd_conn_settings, backlog),
  .min = 1, .max = 65535, .def = {"4096"},
  .meaning = "Accept queue of a listener: connections that wait for their "
	"app." },
{ "half-open", TOP, .type = CONF_T_COUNT, MEMBER(conf, half_open),
  .min = 1, .max = 1048576, .def = {"16384"},
  .meaning = "Half-open entries (SYN-RECEIVED) in all." },
{ "time-wait", CONN, .type = CONF_T_TIME,
  MEMBER(tcpd_conn_settings, time_wait), .min = TCPD_MS(1),
  .max = TCPD_SEC(3600), .def = {"60s"},
  .meaning = "How long TIME-WAIT lasts: 2MSL." },
{ "time-wait-max", TOP, .type = CONF_T_COUNT, MEMBER(conf, time_wait_max),
  .min = 1, .max = 16777216, .def = {"262144"},
  .meaning = "TIME-WAIT entries in all; above it the oldest goes, and a "
	"counter says so." },
{ "reset-rate", TOP, .type = CONF_T_COUNT, MEMBER(conf, reset_rate),
  .min = 0, .max = 10000000, .def = {"10000"},
  .meaning = "Resets a second for segments of no connection, to all sources "
	"together. Above it the first to each source within a second goes "
	"still; the others are counted as segments.resets_held." },
{ "congestion", CONN, .type = CONF_T_CHOICE,
  MEMBER(tcpd_conn_settings, congestion), .choices = congestion,
  .def = {"cubic"},
  .meaning = "Congestion control of connections that do not choose one "
	"themselves (TCP_CONGESTION). newreno: RFC 5681. cubic: RFC 9438. In "
	"both HyStart++ (RFC 9406) ends the first slow start. bbr: version 3 "
	"(draft-ietf-ccwg-bbr), which sends at the rate that it finds, and "
	"bears a loss of up to 2 %." },
{ "ecn", CONN, .type = CONF_T_CHOICE, MEMBER(tcpd_conn_settings, ecn),
  .choices = ecn, .def = {"passive"},
  .meaning = "Explicit congestion notification (RFC 3168): routers mark "
	"packets where they would else drop them. off: never. passive: where "
	"the peer's SYN asks for it. on: for the SYNs of programs here, too. A "
	"connection gives it up when the path turns out to lose or to falsify "
	"the marks." },
{ "fast-open", CONN, .type = CONF_T_CHOICE,
  MEMBER(tcpd_conn_settings, fast_open), .choices = fast_open,
  .def = {"off"},
  .meaning = "TCP Fast Open (RFC 7413): a request on the SYN, which saves a "
	"round trip, and which the network may deliver twice. off: never. "
	"client: connects of programs that ask for it "
	"(TCP_FASTOPEN_CONNECT). server: services, for as many connections "
	"without their last ACK as their backlog, and listeners of programs that "
	"ask for it (TCP_FASTOPEN). both: client and server." },
{ "time-scale", TOP, .type = CONF_T_COUNT, MEMBER(conf, time_scale),
  .min = 1, .max = 1000, .def = {"1"},
  .meaning = "The stack's clock runs this many times faster than the wall "
	"clock (teaching, tests). A peer's delays are not scaled: above 1 the "
	"least retransmission time-out is 60 ms of wall clock, and time stamp "
	"options tick by the wall clock. Above 20 tcpd warns." },
{ "connections", TOP, .type = CONF_T_COUNT, MEMBER(conf, connections),
  .min = 1, .max = 1048576, .def = {"65536"},
  .meaning = "Connections in all." },
{ "orphans", TOP, .type = CONF_T_COUNT, MEMBER(conf, orphans),
  .min = 1, .max = 1048576, .def = {"8192"},
  .meaning = "Connections whose app has closed while their peer does not "
	"acknowledge the FIN (FIN-WAIT-1, CLOSING, LAST-ACK); above it the "
	"oldest is reset, and a counter says so. Where it is not written, an "
	"eighth of \"connections\"." },
{ "memory", TOP, .type = CONF_T_SIZE, MEMBER(conf, memory),
  .min = K * K, .max = 1024 * K * K * K, .def = {"256M"},
  .meaning = "Upper limit of all buffers together." },
{ "receive-buffer", CONN, .type = CONF_T_SIZE,
  MEMBER(tcpd_conn_settings, receive_buffer), .min = 4 * K,
  .max = K * K * K, .def = {"4M"},
  .meaning = "Upper limit of a connection's receive buffer." },
{ "send-buffer", CONN, .type = CONF_T_SIZE,
  MEMBER(tcpd_conn_settings, send_buffer), .min = 4 * K,
  .max = K * K * K, .def = {"4M"},
  .meaning = "Upper limit of a connection's send buffer." },
{ "ports", TOP, .type = CONF_T_PORTS, MEMBER(conf, port_min),
  .def = {"32768-60999"},
  .meaning = "Ephemeral ports: those that connections to others take." },
{ "log-level", TOP, .type = CONF_T_CHOICE, MEMBER(conf, log_level),
  .choices = levels, .def = {"info"},
  .meaning = "What is logged: this level and those before it. debug: a line "
	"for every change of state." },
{ "capture", TOP, .type = CONF_T_PATH, MEMBER(conf, capture), .max = 255,
  .choices = no_file, .def = {"off"},
  .meaning = "pcapng file of everything that crosses the TUN." },

{ "listen", SERVICE, .type = CONF_T_LISTEN,
  LIST(conf_service, listen, nlisten), .one = true,
  .nmin = 1, .nmax = CONF_MAX_LISTEN,
  .meaning = "Where the service listens: \":80\" (every address of the "
	"stack, both families), \"10.77.0.2:80\", \"[fd77::2]:80\", "
	"\"0.0.0.0:80\" or \"[::]:80\" (every address of one family), or a "
	"list of these." },
{ "kind", SERVICE, .type = CONF_T_CHOICE, MEMBER(conf_service, kind),
  .choices = kinds,
  .meaning = "What it does. http: the status page. echo: what comes goes "
	"back. discard: what comes is dropped. chargen: sends without end. "
	"daytime: sends the time and closes. forward: hands the stream to "
	"\"to\"." },
{ "to", SERVICE, .type = CONF_T_TARGET, MEMBER(conf_service, to), .max = 127,
  .meaning = "Where kind forward goes: a port on this host's loopback or "
	"the absolute path of a UNIX socket." },
{ "proxy-protocol", SERVICE, .type = CONF_T_CHOICE,
  MEMBER(conf_service, proxy_v2), .choices = proxies,
  .meaning = "With kind forward: say first who the peer is, by version 2 of "
	"the PROXY protocol." },
{ "command", SERVICE, .later = true },

{ "user", ALLOW, .type = CONF_T_UID,
  .meaning = "Who is meant: a user's name or number, or \"*\". With a group "
	"too, both must fit." },
{ "group", ALLOW, .type = CONF_T_GID,
  .meaning = "Who is meant: a group's name or number." },
{ "listen", ALLOW, .type = CONF_T_RULES, LIST(conf_allow, listen, nlisten),
  .one = true, .nmin = 1, .nmax = CONF_MAX_LISTEN,
  .meaning = "Where they may listen, such as \"10.77.0.2:80\", "
	"\"*:8000-8999\" or \"[fd77::/64]:*\", or a list of these." },
{ "connect", ALLOW, .type = CONF_T_RULES,
  LIST(conf_allow, connect, nconnect), .one = true,
  .nmin = 1, .nmax = CONF_MAX_LISTEN,
  .meaning = "Which of the stack's addresses and ports they may connect "
	"from, in the same form; \"*:*\" is any, an ephemeral port too." },
};
/* clang-format on */

const size_t conf_nrows = ARRAY_SIZE(conf_rows);
static_assert(ARRAY_SIZE(conf_rows) <= CONF_MAX_ROWS,
	      "rows are bits of a mask");

const struct conf_row *conf_row_find(const char *name, enum conf_scope scope)
{
	for (size_t i = 0; i < conf_nrows; i++)
		if ((conf_rows[i].scope & scope) != 0 &&
		    strcmp(conf_rows[i].name, name) == 0)
			return &conf_rows[i];
	return NULL;
}

/* How many octets must be put in, taken out or changed to make |b| of |a|. */
static size_t distance(const char *a, const char *b)
{
	size_t row[32], nb = strlen(b);

	if (nb >= ARRAY_SIZE(row))
		return SIZE_MAX;
	for (size_t j = 0; j <= nb; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1] != '\0'; i++) {
		size_t corner = row[0];

		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			size_t best = corner + (a[i - 1] != b[j - 1]);

			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			corner = row[j];
			row[j] = best;
		}
	}
	return row[nb];
}

const struct conf_row *conf_row_near(const char *name, enum conf_scope scope)
{
	const struct conf_row *near = NULL;
	size_t best = 5; /* two octets, and another first letter */

	for (size_t i = 0; i < conf_nrows; i++) {
		size_t d;

		if ((conf_rows[i].scope & scope) == 0 || conf_rows[i].later)
			continue;
		d = distance(name, conf_rows[i].name);
		if (d >= strlen(conf_rows[i].name))
			continue;
		d = 2 * d + (name[0] != conf_rows[i].name[0]);
		if (d < best || (near == NULL && d == best)) {
			best = d;
			near = &conf_rows[i];
		}
	}
	return near;
}

enum conf_profile_id conf_profile_find(const char *name)
{
	int i = 0;

	while (i < CONF_NPROFILES && strcmp(conf_profiles[i].name, name) != 0)
		i++;
	return (enum conf_profile_id)i;
}
