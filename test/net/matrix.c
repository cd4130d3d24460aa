/* SPDX-License-Identifier: MIT */
/*
 * matrix.c - every segment of matrix_case.h to a socket of the kernel behind
 * one TUN and to one of tcpd behind another, each at a fresh connection; what
 * comes of it is compared, and a difference is explained by a rule of
 * matrix_rules.h or is none that may be.
 *
 *	matrix 4|6 [-v] [STATE]
 *
 * ICMP errors, too: they quote a segment with the ACK's place as SEQ.
 *
 * A batch of connections is brought to a state, shot at, and looked at: what
 * was answered before an echo, the state by ss and `tcpctl ss`, RCV.NXT and
 * SND.NXT by the answer to an octet that is old, and what the app reads.
 * Lines between tabs: "state NAME CASES ALIKE EXPLAINED", "rule N CASES WHY",
 * "bad CASE KERNEL TCPD"; with -v every case.
 */
#include <fnmatch.h>
#include <signal.h>

#include "matrix_batch.h"
#include "matrix_rules.h"

#define PORT  5000
#define BATCH 250

/* --- the shots, and what came of them */

/* Or may a SYN of any number be taken? */
static bool has_numbers(enum state s)
{
	return s > M_SYN_SENT && s != M_TIME_WAIT;
}

static void shoot_icmp(const struct side *s, const struct cell *x, uint32_t seq)
{
	const struct kind *k = x->k.kind;
	bool v6 = s->family == AF_INET6;
	struct shot us = shot_of(s), quote = us;
	uint8_t q[SHOT_MAX], p[SHOT_MAX];

	memcpy(quote.src, us.dst, 16);
	memcpy(quote.dst, us.src, 16);
	quote.sport = x->hport;
	quote.dport = x->c.port;
	quote.seq = seq;
	quote.flags = ACK;
	if (line_put(&s->line, p,
		     shot_icmp(&us, k->type[v6], k->code[v6], 0, q,
			       shot_build(&quote, q), p)) < 0)
		die("write");
}

static void shoot(const struct side *s, struct cell *x)
{
	const struct kase *k = &x->k;
	struct shot shot = segment_of(s, x, k->kind->flags);

	shot.data = "xxxxxxxx";
	shot.len = k->kind->len;
	shot.seq =
		x->c.snd + (uint32_t)k->seq->off + (k->seq->edge ? x->wnd : 0u);
	shot.ack = 0;
	if (k->ack)
		shot.ack = (uint32_t)k->ack->off +
			   (k->ack->una ? x->c.rcv : x->end);
	if (k->kind->icmp) {
		shoot_icmp(s, x, shot.ack);
		return;
	}
	if (k->opts == STAMPED || k->opts == OLD_STAMP)
		add_options(x, &shot, k->opts == STAMPED ? 0 : -100000);
	if (!has_numbers(k->state) && shot.flags & SYN)
		x->opened = shot.seq + 1 - x->c.snd;
	put(s, &shot);
}

static const char *state_named(const char *name)
{
	if (strcmp(name, "ESTAB") == 0)
		return "ESTABLISHED";
	return strcmp(name, "SYN-RECV") == 0 ? "SYN-RECEIVED" : name;
}

/* The columns of ss, and of `tcpctl ss`. */
static void look_at_states(struct batch *b)
{
	char line[512], state[32], to[128];
	bool v6 = b->s->family == AF_INET6;
	FILE *f;

	(void)snprintf(line, sizeof(line),
		       "%s%s 'dst %s%s%s and dport >= %u and dport < %zu'",
		       b->s->kernel ? "" : getenv("BUILD"),
		       b->s->kernel ? "ss -tanH" : "/tcpctl ss -a",
		       v6 && b->s->kernel ? "[" : "", b->s->peer[v6],
		       v6 && b->s->kernel ? "]" : "", b->first_port,
		       b->first_port + b->n);
	for (struct cell *x = b->cell; x < b->cell + b->n; x++)
		(void)strcpy(x->state, "CLOSED");
	f = popen(line, "r"); /* NOLINT(cert-env33-c) */
	if (!f)
		die("ss");
	while (fgets(line, sizeof(line), f)) {
		const char *port;
		size_t i;

		if (sscanf(line, "%31s %*s %*s %*s %127s", state, to) != 2)
			continue;
		port = strrchr(to, ':');
		i = port ? (size_t)atoi(port + 1) - b->first_port : b->n;
		/* an app's socket that has nothing more to do with it */
		if (i < b->n && strcmp(state, "CLOSED") != 0)
			(void)snprintf(b->cell[i].state,
				       sizeof(b->cell[i].state), "%s",
				       state_named(state));
	}
	if (pclose(f) != 0)
		die("ss");
}

static bool in_state(const struct cell *x, const char *name)
{
	return strcmp(x->state, name) == 0;
}

static void check_states(struct batch *b)
{
	look_at_states(b);
	for (struct cell *x = b->cell; x < b->cell + b->n; x++) {
		const char *want = state_names[x->k.state];

		if (x->k.state == M_CROSSED)
			want = "SYN-RECEIVED";
		else if (x->k.state == M_LISTEN)
			want = "CLOSED";
		if (!in_state(x, want)) {
			(void)fprintf(stderr, "%s: %u is in %s, not %s\n",
				      b->s->dev, x->c.port, x->state, want);
			exit(2);
		}
	}
}

/* An octet that is old, with an ACK that is: in every state that has numbers
 * it is answered with SND.NXT and RCV.NXT, and changes nothing. */
static void probe_all(struct batch *b)
{
	b->phase = PROBING;
	/* tcpd answers there at most once in 10 ms */
	for (struct cell *x = b->cell; x < b->cell + b->n; x++)
		if (in_state(x, "TIME-WAIT")) {
			usleep(12000);
			break;
		}
	for (struct cell *x = b->cell; x < b->cell + b->n; x++) {
		x->probed = !in_state(x, "CLOSED") &&
			    !in_state(x, "SYN-SENT") &&
			    !in_state(x, "SYN-RECEIVED");
		if (!x->probed)
			continue;
		x->c.snd--;
		tell(b->s, x, PSH | ACK, "p");
		x->c.snd++;
	}
	fence(b->s, note, b);
}

static void accept_new(struct batch *b)
{
	size_t n = 0;

	for (struct cell *x = b->cell; x < b->cell + b->n; x++)
		n += x->probed && x->c.fd < 0 && !in_state(x, "TIME-WAIT");
	accept_all(b, n);
}

/* What the app sees: octets, then an end if there is one. */
static void look_at_app(const struct side *s, struct cell *x, char *text,
			size_t room)
{
	bool gone = in_state(x, "CLOSED");
	int32_t want = x->probed && x->k.state != M_TIME_WAIT
			       ? x->rcv_moved - (int32_t)x->opened
			       : 0;
	char buf[64];
	ssize_t got = 0;
	int err;

	*text = '\0';
	if (x->c.fd < 0)
		return;
	for (;;) {
		ssize_t n = read(x->c.fd, buf, sizeof(buf));
		struct pollfd pfd = {.fd = x->c.fd, .events = POLLIN};

		if (n > 0) {
			got += n;
			continue;
		}
		if (n < 0 && errno == EAGAIN && (gone || got < want) &&
		    poll(&pfd, 1, (int)(PATIENCE * 1000)) > 0)
			continue;
		if (n < 0 && errno == ENOTCONN)
			n = 0;
		err = n < 0 ? errno : 0;
		if (err == EAGAIN)
			break;
		n = error_of(s, x->c.fd);
		if (n)
			err = (int)n;
		(void)snprintf(text, room, "%s",
			       err ? strerrorname_np(err) : "EOF");
		break;
	}
	if (got)
		(void)snprintf(text + strlen(text), room - strlen(text),
			       " after %zd octets", got);
}

static void judge(const struct side *s, struct cell *x)
{
	char app[64], moved[64] = "";
	const char *soft = x->soft ? strerrorname_np(x->soft) : "";

	look_at_app(s, x, app, sizeof(app));
	if (x->probed && !x->answered)
		(void)strcpy(moved, " mute");
	else if (x->probed && (x->rcv_moved || x->snd_moved))
		(void)snprintf(moved, sizeof(moved), " rcv%+d snd%+d",
			       x->rcv_moved, x->snd_moved);
	(void)snprintf(x->verdict, sizeof(x->verdict), "%s; %s%s%s%s%s%s",
		       *x->heard ? x->heard : "silence", x->state, moved,
		       *app ? "; " : "", app, *soft ? "; soft " : "", soft);
}

static void clean_up(struct batch *b)
{
	for (struct cell *x = b->cell; x < b->cell + b->n; x++) {
		x->c.snd += x->probed ? (uint32_t)x->rcv_moved : x->opened;
		tell(b->s, x, RST, "");
		if (x->c.fd >= 0)
			close(x->c.fd);
	}
	b->phase = SETTING_UP;
}

static void run(struct side *s, struct cell *cells, size_t n)
{
	struct batch b = {.s = s, .cell = cells, .n = n};

	new_cells(&b);
	bring_to(&b, cells->k.state);
	fence(s, note, &b);
	check_states(&b);
	b.phase = SHOOTING;
	for (struct cell *x = b.cell; x < b.cell + b.n; x++)
		shoot(s, x);
	fence(s, note, &b);
	look_at_states(&b);
	for (struct cell *x = b.cell; x < b.cell + b.n; x++)
		if (x->k.kind->icmp && x->c.fd >= 0 && !in_state(x, "CLOSED"))
			x->soft = error_of(s, x->c.fd);
	probe_all(&b);
	accept_new(&b);
	for (struct cell *x = b.cell; x < b.cell + b.n; x++)
		judge(s, x);
	clean_up(&b);
}

/* --- rules */

#define NRULES (sizeof(rules) / sizeof(*rules))

static bool fits(const char *pattern, const char *text)
{
	return !pattern || fnmatch(pattern, text, FNM_EXTMATCH) == 0;
}

/* |text| without its SACK blocks. */
static const char *strip_sack(const char *text, char *to)
{
	char *at;

	(void)strcpy(to, text);
	while ((at = strstr(to, " sack ")) != NULL) {
		const char *rest = at + 6 + strcspn(at + 6, " ;,");

		memmove(at, rest, strlen(rest) + 1);
	}
	return to;
}

static bool differ_in_sack(const char *a, const char *b)
{
	char x[256], y[256];

	return strcmp(strip_sack(a, x), strip_sack(b, y)) == 0;
}

static bool is_of(const struct rule *r, int family)
{
	return !r->only || r->only == (family == AF_INET ? 4 : 6);
}

static struct rule *explanation(const struct kase *k, int family,
				const char *kernel, const char *tcpd)
{
	for (size_t i = 0; i < NRULES; i++) {
		struct rule *r = &rules[i];

		if (is_of(r, family) && fits(r->state, state_names[k->state]) &&
		    fits(r->kind, k->kind->name) &&
		    fits(r->seq, k->seq->name) &&
		    fits(r->ack, k->ack ? k->ack->name : "") &&
		    fits(r->opts, opt_names[k->opts]) &&
		    fits(r->kernel, kernel) && fits(r->tcpd, tcpd) &&
		    (!r->but_sack || differ_in_sack(kernel, tcpd)))
			return r;
	}
	return NULL;
}

struct counts {
	unsigned cases, alike, explained;
};

static void compare(const struct cell *kernel, const struct cell *tcpd,
		    size_t n, int family, bool verbose, struct counts *all)
{
	char name[128];

	for (size_t i = 0; i < n; i++) {
		const char *k = kernel[i].verdict, *t = tcpd[i].verdict;
		bool alike = strcmp(k, t) == 0;
		struct rule *r = NULL;

		if (!alike)
			r = explanation(&kernel[i].k, family, k, t);
		all->cases++;
		all->alike += alike;
		all->explained += r != NULL;
		if (r)
			r->used++;
		if (verbose || (!alike && !r))
			printf("%s\t%s\t%s\t%s\n",
			       alike ? "alike"
			       : r   ? "explained"
				     : "bad",
			       case_name(&kernel[i].k, name, sizeof(name)), k,
			       t);
	}
}

static struct cell cells[2][BATCH];

static void state(struct side *kernel, struct side *tcpd, enum state state,
		  bool verbose)
{
	struct counts all = {0};

	for (int opts = 0; opts < NOPTS; opts++) {
		size_t at = 0, n;

		do {
			for (n = 0; n < BATCH; n++) {
				if (!next_case(state, (enum opts)opts, &at,
					       &cells[0][n].k))
					break;
				cells[1][n].k = cells[0][n].k;
			}
			if (n == 0)
				break;
			run(kernel, cells[0], n);
			run(tcpd, cells[1], n);
			compare(cells[0], cells[1], n, kernel->family, verbose,
				&all);
		} while (n == BATCH);
	}
	printf("state\t%s\t%u\t%u\t%u\n", state_names[state], all.cases,
	       all.alike, all.explained);
	(void)fflush(stdout);
}

int main(int argc, char **argv)
{
	struct side kernel = {.dev = argc > 1 && *argv[1] == '6' ? "kern6"
								 : "kern4",
			      .port = PORT,
			      .host = {"10.88.0.2", "fd88::2"},
			      .peer = {"10.88.0.77", "fd88::77"},
			      .kernel = true};
	struct side tcpd = {.dev = "tcpd0",
			    .port = PORT,
			    .host = {"10.77.0.2", "fd77::2"},
			    .peer = {"10.77.0.77", "fd77::77"}};
	int family = argc > 1 && *argv[1] == '6' ? AF_INET6 : AF_INET;
	bool verbose = argc > 2 && strcmp(argv[2], "-v") == 0;
	const char *only = argc > 2 + verbose ? argv[2 + verbose] : NULL;

	(void)signal(SIGPIPE, SIG_IGN);
	open_side(&kernel, family);
	open_side(&tcpd, family);
	(void)listen(kernel.listener, 4 * BATCH);
	(void)tcpd_app_listen(tcpd.listener, 4 * BATCH);
	for (int i = 0; i < M_STATES; i++)
		if (!only || strcmp(only, state_names[i]) == 0)
			state(&kernel, &tcpd, (enum state)i, verbose);
	for (size_t i = 0; i < NRULES && !only; i++)
		if (is_of(&rules[i], kernel.family))
			printf("rule\t%u\t%s\n", rules[i].used, rules[i].why);
	return 0;
}
