/* SPDX-License-Identifier: MIT */
/*
 * report_fsm.c - `tcpctl fsm`: figure 5 of RFC 9293 with what tcpd counted.
 *
 * In the picture a field of five octets begins with @: a capital letter is a
 * state (how many are in it now), a small one an arrow (how often it was
 * taken).  Arrows that the figure leaves out are listed below it.
 */
#include <inttypes.h>
#include <string.h>

#include "base/clamp.h"
#include "report.h"

#define FIELD 5

/* clang-format off */
static const char picture[] =
"                          +------------+\n"
"                          |   CLOSED   | active OPEN\n"
"                          |   @A___    |---------------------------------.\n"
"                          +------------+ @b___                           |\n"
"                            |    ^    ^                                  |\n"
"               passive OPEN |    |    '--------------------------.       |\n"
"                      @a___ |    | CLOSE                         |       |\n"
"                            V    | @d___                         |       |\n"
"                          +------------+                   CLOSE |       |\n"
"                          |   LISTEN   |                   @g___ |       |\n"
"         .----------------|   @B___    |                         |       |\n"
"         | rcv SYN        +------------+                         |       |\n"
"         | @c___                                                 |       |\n"
"         V                                                       |       V\n"
"   +------------+                                             +------------+\n"
"   |SYN-RECEIVED|                 rcv SYN @f___               |  SYN-SENT  |\n"
"   |   @D___    |<--------------------------------------------|   @C___    |\n"
"   +------------+                                             +------------+\n"
"     |        | rcv ACK of SYN                    rcv SYN,ACK       |\n"
"     |        | @h___     +------------+          @e___             |\n"
"     |        '---------->|ESTABLISHED |<---------------------------'\n"
"     |                    |   @E___    |\n"
"     | CLOSE              +------------+\n"
"     | @i___                |        |\n"
"     |                CLOSE |        | rcv FIN\n"
"     V                @j___ |        | @k___\n"
"   +------------+           |        |                        +------------+\n"
"   | FIN-WAIT-1 |<----------'        '----------------------->| CLOSE-WAIT |\n"
"   |   @F___    |------------------.                          |   @H___    |\n"
"   +------------+  rcv FIN @m___   |                          +------------+\n"
"     | rcv ACK of FIN              |                            |\n"
"     | @l___                       |                            | CLOSE\n"
"     V                             V                            V @o___\n"
"   +------------+           +------------+                    +------------+\n"
"   | FIN-WAIT-2 |           |  CLOSING   |                    |  LAST-ACK  |\n"
"   |   @G___    |           |   @I___    |                    |   @J___    |\n"
"   +------------+           +------------+                    +------------+\n"
"     |                             | rcv ACK of FIN             |\n"
"     | rcv FIN                     | @p___                      | rcv ACK\n"
"     | @n___                       V                            | of FIN\n"
"     |                      +------------+                      V @q___\n"
"     |                      | TIME-WAIT  |  timeout 2MSL      +------------+\n"
"     '--------------------->|   @K___    |------------------->|   CLOSED   |\n"
"                            +------------+  @r___             +------------+\n";

#define ARROW(letter, from, event, to) {letter, TCPD_##from, TCPD_##to, event}
static const struct drawn {
	char letter;
	enum tcpd_state from, to;
	const char *event;
} drawn[] = {
	ARROW('a', CLOSED,       "PASSIVE OPEN",   LISTEN),
	ARROW('b', CLOSED,       "ACTIVE OPEN",    SYN_SENT),
	ARROW('c', LISTEN,       "RCV SYN",        SYN_RECEIVED),
	ARROW('d', LISTEN,       "CLOSE",          CLOSED),
	ARROW('e', SYN_SENT,     "RCV SYN,ACK",    ESTABLISHED),
	ARROW('f', SYN_SENT,     "RCV SYN",        SYN_RECEIVED),
	ARROW('g', SYN_SENT,     "CLOSE",          CLOSED),
	ARROW('h', SYN_RECEIVED, "RCV ACK OF SYN", ESTABLISHED),
	ARROW('i', SYN_RECEIVED, "CLOSE",          FIN_WAIT_1),
	ARROW('j', ESTABLISHED,  "CLOSE",          FIN_WAIT_1),
	ARROW('k', ESTABLISHED,  "RCV FIN",        CLOSE_WAIT),
	ARROW('l', FIN_WAIT_1,   "RCV ACK OF FIN", FIN_WAIT_2),
	ARROW('m', FIN_WAIT_1,   "RCV FIN",        CLOSING),
	ARROW('n', FIN_WAIT_2,   "RCV FIN",        TIME_WAIT),
	ARROW('o', CLOSE_WAIT,   "CLOSE",          LAST_ACK),
	ARROW('p', CLOSING,      "RCV ACK OF FIN", TIME_WAIT),
	ARROW('q', LAST_ACK,     "RCV ACK OF FIN", CLOSED),
	ARROW('r', TIME_WAIT,    "TIMEOUT 2MSL",   CLOSED),
};
/* clang-format on */

static bool is_drawn(const struct tcpd_arrow *a, char *letter)
{
	for (size_t i = 0; i < ARRAY_SIZE(drawn); i++) {
		if (drawn[i].from != a->from || drawn[i].to != a->to ||
		    strcmp(drawn[i].event, a->event) != 0)
			continue;
		*letter = drawn[i].letter;
		return true;
	}
	return false;
}

static uint64_t field(const struct report_fsm *f, char letter)
{
	char l;

	if (letter >= 'A' && letter < 'A' + TCPD_NSTATES)
		return f->live[letter - 'A'];
	for (unsigned i = 0; i < f->narrows; i++)
		if (is_drawn(&f->arrow[i], &l) && l == letter)
			return f->arrow[i].taken;
	return 0;
}

void report_fsm_text(struct text *t, const struct report_fsm *f)
{
	char count[24], l;
	const char *p = picture, *at;

	while ((at = strchr(p, '@')) != NULL) {
		text_put(t, p, (size_t)(at - p));
		report_count(count, sizeof(count), field(f, at[1]));
		text_add(t, "%-*s", FIELD, count);
		p = at + FIELD;
	}
	text_puts(t, p);
	text_puts(t, "\nNumbers in the boxes: now in that state; beside the "
		     "arrows: how often taken.\n\nThe other ways:\n");
	for (unsigned i = 0; i < f->narrows; i++) {
		const struct tcpd_arrow *a = &f->arrow[i];

		if (is_drawn(a, &l))
			continue;
		text_add(t, "  %-12s -> %-12s %-14s %10" PRIu64 "\n",
			 tcpd_state_name(a->from), tcpd_state_name(a->to),
			 a->event, a->taken);
	}
}

json_t *report_fsm_json(const struct report_fsm *f)
{
	json_t *states = json_object(), *arrows = json_array();

	for (unsigned s = 0; s < TCPD_NSTATES; s++)
		(void)json_object_set_new(states,
					  tcpd_state_name((enum tcpd_state)s),
					  json_integer((json_int_t)f->live[s]));
	for (unsigned i = 0; i < f->narrows; i++) {
		const struct tcpd_arrow *a = &f->arrow[i];

		(void)json_array_append_new(
			arrows, json_pack("{s:s, s:s, s:s, s:s, s:I}", "from",
					  tcpd_state_name(a->from), "to",
					  tcpd_state_name(a->to), "event",
					  a->event, "where", a->where, "taken",
					  (json_int_t)a->taken));
	}
	return json_pack("{s:o, s:o}", "states", states, "arrows", arrows);
}
