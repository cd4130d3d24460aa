/* SPDX-License-Identifier: MIT */
/*
 * sockopts.c - is doc/sockopts.md true?
 *
 *	sockopts 4|6 FILE	every row of FILE's tables, against a running
 *				tcpd; TCPCTL is the control program
 *	sockopts killed PID	the row about tcpd's end
 *
 * Each row has a check here with its name, and each check its row: what an
 * option sets is read back, and its effect is looked for on tcpd0, at the
 * peer, or in `tcpctl ss`.  Options: sockopts_options.h and sockopts_fast.h;
 * the tables of differences: sockopts_rows.h.
 */
#include "sockopts.h"
#include "sockopts_fast.h"
#include "sockopts_options.h"
#include "sockopts_rows.h"

#define ROW(level, name, call)                                   \
	{                                                        \
		"| " #level " | " #name " |", #name, call, false \
	}
static struct check options[] = {
	ROW(SOL_SOCKET, SO_ERROR, so_error),
	ROW(SOL_SOCKET, SO_TYPE, so_type),
	ROW(SOL_SOCKET, SO_DOMAIN, so_domain),
	ROW(SOL_SOCKET, SO_PROTOCOL, so_protocol),
	ROW(SOL_SOCKET, SO_ACCEPTCONN, so_acceptconn),
	ROW(SOL_SOCKET, SO_REUSEADDR, so_reuseaddr),
	ROW(SOL_SOCKET, SO_REUSEPORT, so_reuseport),
	ROW(SOL_SOCKET, SO_LINGER, so_linger),
	ROW(SOL_SOCKET, SO_KEEPALIVE, so_keepalive),
	ROW(SOL_SOCKET, SO_OOBINLINE, so_oobinline),
	ROW(SOL_SOCKET, SO_RCVBUF, so_rcvbuf),
	ROW(SOL_SOCKET, SO_SNDBUF, so_sndbuf),
	ROW(SOL_SOCKET, SO_MAX_PACING_RATE, so_max_pacing_rate),
	ROW(SOL_SOCKET, SO_RCVLOWAT, so_rcvlowat),
	ROW(SOL_SOCKET, SO_RCVTIMEO, so_rcvtimeo),
	ROW(SOL_SOCKET, SO_SNDTIMEO, so_sndtimeo),
	ROW(IPPROTO_TCP, TCP_NODELAY, tcp_nodelay),
	ROW(IPPROTO_TCP, TCP_CORK, tcp_cork),
	ROW(IPPROTO_TCP, TCP_QUICKACK, tcp_quickack),
	ROW(IPPROTO_TCP, TCP_KEEPIDLE, tcp_keepidle),
	ROW(IPPROTO_TCP, TCP_KEEPINTVL, tcp_keepintvl),
	ROW(IPPROTO_TCP, TCP_KEEPCNT, tcp_keepcnt),
	ROW(IPPROTO_TCP, TCP_USER_TIMEOUT, tcp_user_timeout),
	ROW(IPPROTO_TCP, TCP_SYNCNT, tcp_syncnt),
	ROW(IPPROTO_TCP, TCP_LINGER2, tcp_linger2),
	ROW(IPPROTO_TCP, TCP_DEFER_ACCEPT, tcp_defer_accept),
	ROW(IPPROTO_TCP, TCP_WINDOW_CLAMP, tcp_window_clamp),
	ROW(IPPROTO_TCP, TCP_MAXSEG, tcp_maxseg),
	ROW(IPPROTO_TCP, TCP_FASTOPEN, tcp_fastopen),
	ROW(IPPROTO_TCP, TCP_FASTOPEN_CONNECT, tcp_fastopen_connect),
	ROW(IPPROTO_TCP, TCP_CONGESTION, tcp_congestion),
	ROW(IPPROTO_TCP, TCP_INFO, tcp_info),
	ROW(IPPROTO_TCP, TCP_NOTSENT_LOWAT, tcp_notsent_lowat),
	ROW(IPPROTO_IP, IP_TOS, ip_tos),
	ROW(IPPROTO_IP, IP_TTL, ip_ttl),
	ROW(IPPROTO_IPV6, IPV6_TCLASS, ipv6_tclass),
	ROW(IPPROTO_IPV6, IPV6_UNICAST_HOPS, ipv6_unicast_hops),
	ROW(IPPROTO_IPV6, IPV6_V6ONLY, ipv6_v6only),
	ROW(tcpd_app_ioctl, SIOCINQ, siocinq),
	ROW(tcpd_app_ioctl, SIOCOUTQ, siocoutq),
	ROW(tcpd_app_ioctl, SIOCOUTQNSD, siocoutqnsd),
};

#define N(a) (sizeof(a) / sizeof((a)[0]))

/* The check of a row; NULL: there is none. */
static struct check *check_of(const char *line)
{
	for (size_t i = 0; i < N(options); i++)
		if (strncmp(line, options[i].row, strlen(options[i].row)) == 0)
			return &options[i];
	for (size_t i = 0; i < N(differences); i++)
		if (strncmp(line, differences[i].row,
			    strlen(differences[i].row)) == 0)
			return &differences[i];
	return NULL;
}

static void never_met(struct check *c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!c[i].met) {
			CHECK(false &&
			      "a check whose row is not in the document");
			tap("row", c[i].name);
		}
}

static int walk(const char *path)
{
	FILE *f = fopen(path, "r");
	char line[1000], before[1000] = "";

	if (!f) {
		perror(path);
		return 2;
	}
	while (fgets(line, sizeof(line), f)) {
		/* rows: neither a table's head nor the line below that */
		bool row = line[0] == '|' && before[0] == '|' &&
			   strncmp(line, "|---", 4) != 0;
		struct check *c = row ? check_of(line) : NULL;

		if (row && !c) {
			CHECK(false && "a row without a check");
			tap("row", strtok(line, "\n"));
		} else if (c) {
			c->met = true;
			c->call();
			tap("row", c->name);
			port++;
		}
		memcpy(before, line, sizeof(before));
	}
	(void)fclose(f);
	never_met(options, N(options));
	never_met(differences, N(differences));
	printf("1..%d\n", ntests);
	return nfailed != 0;
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	(void)signal(SIGPIPE, SIG_IGN);
	family = strcmp(argv[1], "6") == 0 ? 6 : 4;
	af = family == 4 ? AF_INET : AF_INET6;
	port = family == 4 ? 5000 : 7000;
	if (raw_open_for(&dev, "tcpd0", family == 4 ? ETH_P_IP : ETH_P_IPV6) <
	    0) {
		perror("tcpd0");
		return 2;
	}
	if (strcmp(argv[1], "killed") == 0)
		return killed((pid_t)strtol(argv[2], NULL, 10));
	return walk(argv[2]);
}
