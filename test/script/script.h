/* SPDX-License-Identifier: MIT */
/*
 * script.h - the parts of the runner of conversations: a stage (one stack in
 * virtual time and what it sent), a script (lines of text), and the verbs that
 * lines begin with.  doc: README in this folder.
 */
#ifndef SCRIPT_H
#define SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tcpd.h"
#include "test/harness/memory.h"
#include "test/harness/packet.h"

#define MAX_FLOWS 24
#define MAX_WORDS 40
#define MAX_DEPTH 4
#define START	  TCPD_SEC(1000) /* time 0 of a script on the stack's clock */

struct flow {
	char name[16];
	struct tcpd_addr local, peer; /* local.port 0: not known yet */
	uint32_t peer_isn, our_isn;
	bool has_isn;
	uint32_t ts_base;
	bool has_ts;
	uint32_t top; /* behind the highest number of ours seen */
	bool old;     /* the next ISN must be above |top| */
	tcpd_handle h;
	uint64_t wrote, took; /* octets of the streams */
	uint32_t events;      /* since the last look */
	int err;	      /* of the last event that had one */
	uint32_t salt;
};

struct sent {
	struct sent *next;
	tcpd_time at;
	struct packet p;
	uint8_t buf[]; /* exact */
};

/* What a whole run has brought about. */
struct seen {
	uint64_t arrow[128];
	uint64_t drop[TCPD_NDROPS];
	uint64_t err[TCPD_NERRS];
	uint64_t reset_sent[TCPD_NRESETS], reset_received[TCPD_NRESETS];
};

struct stage {
	uint8_t version; /* 4, 6 */
	bool verbose;
	bool record; /* save and load between any two lines */
	struct tcpd_settings set;
	struct memory mem;
	struct tcpd_stack *st;
	tcpd_time now;
	struct flow flow[MAX_FLOWS];
	unsigned nflows;
	struct sent *head, **tail;
	bool batch;	/* inside batch ... done */
	uint8_t **kept; /* packets in of this batch: borrowed */
	unsigned nkept, room;
	unsigned fail; /* so many of the next writes fail */
	bool blocked;  /* every write says EAGAIN */
	uint32_t peer_isn;
	uint8_t cookie[2][8]; /* Fast Open's: the last, another before it */
	struct seen *seen;
	char why[1024]; /* what went wrong; empty: nothing */
};

struct line {
	const char *file;
	unsigned number;
	char *words[MAX_WORDS];
	unsigned nwords;
	char *options;	  /* what stood between < and >; NULL: nothing */
	const char *text; /* as written */
	bool timed, relative;
	tcpd_time at;
	int64_t index; /* value of i */
};

/* ---- fail.c-ish: the first reason counts */
__attribute__((format(printf, 2, 3))) bool stage_fail(struct stage *s,
						      const char *format, ...);

/* ---- stage.c */
bool stage_open(struct stage *s);
void stage_close(struct stage *s);
/* On to |at|; a packet before it is a failure. */
bool stage_until(struct stage *s, tcpd_time at);
/* The next packet out, at |at| or at most a tick later; NULL: none. */
struct sent *stage_next(struct stage *s, tcpd_time at);
void stage_input(struct stage *s, const uint8_t *p, size_t len,
		 const struct tcpd_offload *off);
/* After calls and packets: events, end of batch, output. */
void stage_turn(struct stage *s);
void stage_batch_end(struct stage *s);
/* What was sent up to now is not looked at. */
void stage_ignore(struct stage *s);
/* Through a record into a fresh stack. */
bool stage_record(struct stage *s);
void stage_result(struct stage *s, int64_t result);
double stage_clock(const struct stage *s, tcpd_time at);

/* ---- flow.c */
struct flow *flow_get(struct stage *s, const char *name);
/* "@name" as the next word: that one; else the one called |otherwise|. */
struct flow *flow_word(struct stage *s, struct line *l, unsigned *w,
		       const char *otherwise);
bool flow_place(const struct stage *s, const char *word, struct tcpd_addr *a);
struct flow *flow_of_packet(struct stage *s, const struct packet *p);
char *flow_print(char *text, size_t room, struct flow *f,
		 const struct packet *p);

/* ---- notation.c: packets as they are written */
bool notation_in(struct stage *s, struct line *l);
bool notation_out(struct stage *s, struct line *l);
/* notation_opt.c: <mss 1460,nop,...>; time stamps, and SACK blocks (as the
 * acknowledgment), count from |base|. */
bool notation_options(struct stage *s, struct line *l, struct packet *p,
		      const struct packet_base *base);
/* A Fast Open cookie in |p|, which the stack sent, is remembered. */
void notation_cookie(struct stage *s, const struct packet *p);
/* notation_raw.c: icmp and hex */
bool notation_icmp_in(struct stage *s, struct line *l, unsigned w,
		      struct flow *f);
bool notation_icmp_out(struct stage *s, struct line *l, unsigned w,
		       const struct packet *p);
bool notation_hex_in(struct stage *s, struct line *l, unsigned w);
uint16_t notation_icmp_type(uint8_t version, const char *name);
/* Octets in hex; their number, -1: it is not, or there is no room. */
int notation_hex(const char *word, uint8_t *to, size_t room);

/* notation_ip.c: what is said of the internet layer, and done to |buf| */
#define MAX_EXT 12
struct ext_said {
	uint8_t kind;
	uint32_t len;
	uint8_t octets[300];
};
struct ip_said {
	uint8_t opt[40];
	size_t nopt;
	struct ext_said ext[MAX_EXT];
	unsigned next;
	bool frag, more;
	uint32_t id, len, offset;
};
/* True: |word| was one of these (or one of these and wrong). */
bool notation_ip_word(struct stage *s, struct line *l, unsigned *w,
		      const char *word, struct ip_said *d);
size_t notation_ip_shape(const struct ip_said *d, uint8_t version, uint8_t *buf,
			 size_t len);
void notation_ip_sum(uint8_t *buf); /* of IPv4's header */

/* ---- settings.c */
bool settings_line(struct stage *s, struct line *l, unsigned w);
void settings_default(struct stage *s);
int settings_option(const char *name); /* enum tcpd_option, -1 */
/* off, auto, always; false: another word, or none */
bool settings_cookies(struct tcpd_conn_settings *cs, const char *mode);
bool settings_ecn(struct tcpd_conn_settings *cs, const char *mode);

/* ---- number.c */
bool number_expr(const char *word, int64_t index, int64_t *value);
bool number_time(const char *word, tcpd_time *t);
bool number_size(const char *word, uint64_t *n);
bool line_number(struct stage *s, struct line *l, unsigned w, int64_t *v);

/* ---- verbs: each takes the line from its word |w| on; false: failed */
typedef bool verb_fn(struct stage *s, struct line *l, unsigned w);
struct verb {
	const char *name;
	verb_fn *run;
};
extern const struct verb call_verbs[], assert_verbs[];
/* "= WORD" at the line's end: what the call is to give. */
bool verb_expect(struct stage *s, struct line *l, unsigned w, int64_t came,
		 int64_t otherwise);
const char *word_at(const struct line *l, unsigned w);
bool word_is(const struct line *l, unsigned w, const char *text);

/* ---- play.c */
bool play_file(struct stage *s, const char *path, char **text);

/* ---- complete.c */
void complete_note(struct stage *s);
unsigned complete_report(const struct seen *seen, unsigned test);

#endif /* SCRIPT_H */
