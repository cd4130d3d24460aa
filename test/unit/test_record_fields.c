/* SPDX-License-Identifier: MIT */
/*
 * test_record_fields.c - the tables of fields are complete, and items are read
 * as what they may be: anything.
 */
#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stack/record.h"

/* --- completeness: each member of a struct is a field, a bool, or is known to
 * be worked out again (links, references, sums of what is taken) */

static const struct {
	const char *file, *name;
	const struct record_type *ty;
	const char *prefix;  /* of its fields' names in the table */
	const char *rebuilt; /* " one another " */
} structs[] = {
	{"lib/tcp/conn.h", "conn", &record_conn, "",
	 " node user out ev aq orphans at_port orphaned ev_mask listener "
	 "on_list "
	 "xmit_root xmit_first"
	 " xmit_last sent_first sent_last lost_root sackq inflow flow "},
	{"lib/tcp/conn.h", "sendq", &record_conn, "sq.",
	 " head tail room nroom mem neors "},
	{"lib/tcp/conn.h", "recvq", &record_conn, "rq.",
	 " head tail last mem ranges nranges borrow_first borrow_last"
	 " nborrowed "},
	{"lib/tcp/cc.h", "cc_state", &record_conn, "ccs.", " "},
	{"lib/tcp/tcp.h", "tuple", &record_conn, "tu.", " "},
	{"lib/tcp/listen.h", "listener", &record_listener, "",
	 " user next ev ev_mask accept nqueued first_waiting nwaiting "
	 "waiting "},
	{"lib/tcp/option.h", "options", &record_listener, "opt.", " "},
	{"lib/include/tcpd.h", "tcpd_conn_settings", &record_listener, "set.",
	 " "},
	{"lib/tcp/synq.h", "half", &record_half, "",
	 " node next prev in_line "},
	{"lib/tcp/timewait.h", "timewait", &record_timewait, "", " node "},
	{"lib/tcp/xmit.h", "xmit", &record_xmit, "", " in pri prev next "},
	{"lib/tcp/conn.h", "sackq", &record_sackq, "", " "},
	{"lib/tcp/flow.h", "flow", &record_flow, "", " paced "},
	{"lib/tcp/grow.h", "inflow", &record_inflow, "", " "},
	{"lib/tcp/tcp.h", "reply", &record_reply, "", " block "},
	{"lib/stack/stack.h", "tcpd_stack", &record_stack, "",
	 " mem nmem icmp_peers "},
	{"lib/stack/frag.h", "frags", &record_stack, "frags.",
	 " slab tab peers whole first last mem "},
	{"lib/stack/frag.h", "frag", &record_frag, "",
	 " head tail mem next prev "},
	/* a borrowed packet, a plan: not between batches; traces go */
	{"lib/tcp/tcp.h", "tcp", &record_stack, "t.",
	 " set pool wheel tw_wheel misc conns listeners halves tws xmits"
	 " sackqs flows inflows conn_tab half_tab tw_tab ports acks sends "
	 "events "
	 "orphans "
	 "norphans"
	 " replies"
	 " reply_head nreplies nsplit borrows nborrows borrowed send_mem traces"
	 " trace_in"
	 " trace_out rsts_traced_at rsts_traced rsts_left_out rst_left_out "
	 "plan sum recent paths servers "
	 "cookie_head cookie_tail paced npaced held "},
	{"lib/tcp/cookie.h", "cookies", &record_stack, "t.cookie.", " "},
	{"lib/tcp/cookie.h", "cookie_keys", &record_stack, "t.cookie.now.",
	 " "},
	{"lib/tcp/cookie.h", "cookie_keys", &record_stack, "t.cookie.was.",
	 " "},
};

#define TEXT_MAX 100000u /* octets of a header */

/* The text of |struct name {...}| in |file|, without comments. */
static char *body_of(const char *file, const char *name)
{
	char head[64], *text = calloc(1, TEXT_MAX), *at, *end;
	FILE *f = fopen(file, "r");
	size_t len;

	ck_assert_msg(f != NULL, "%s: run this from the top", file);
	ck_assert_ptr_nonnull(text);
	len = fread(text, 1, TEXT_MAX - 1, f);
	ck_assert_uint_lt(len, TEXT_MAX - 1);
	(void)fclose(f);
	for (at = text; (at = strstr(at, "/*")) != NULL;) {
		end = strstr(at, "*/");
		ck_assert_ptr_nonnull(end);
		memset(at, ' ', (size_t)(end + 2 - at));
	}
	(void)snprintf(head, sizeof(head), "struct %s {", name);
	at = strstr(text, head);
	ck_assert_msg(at != NULL, "%s: no %s", file, head);
	at += strlen(head);
	end = strstr(at, "\n};");
	ck_assert_ptr_nonnull(end);
	*end = '\0';
	memmove(text, at, strlen(at) + 1);
	return text;
}

static bool among(const char *words, const char *word)
{
	char spaced[128];

	(void)snprintf(spaced, sizeof(spaced), " %.120s ", word);
	return strstr(words, spaced) != NULL;
}

/* "tu" is there when "tu.lport" is. */
static bool in_table(const struct record_type *ty, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < ty->nfields; i++) {
		const char *has = ty->field[i].name;

		if (strncmp(has, name, len) == 0 &&
		    (has[len] == '\0' || has[len] == '.'))
			return true;
	}
	return among(ty->flag_names, name);
}

static void look_for(unsigned i, char *declarator)
{
	char *name, *end, full[80];

	declarator[strcspn(declarator, "[:")] = '\0';
	end = declarator + strlen(declarator);
	while (end > declarator && isspace((unsigned char)end[-1]))
		*--end = '\0';
	name = end;
	while (name > declarator &&
	       (isalnum((unsigned char)name[-1]) || name[-1] == '_'))
		name--;
	if (*name == '\0')
		return;
	(void)snprintf(full, sizeof(full), "%s%s", structs[i].prefix, name);
	ck_assert_msg(in_table(structs[i].ty, full) ||
			      among(structs[i].rebuilt, name) ||
			      strcmp(name, "t") == 0,
		      "%s: struct %s has a member %s that no record holds",
		      structs[i].file, structs[i].name, name);
}

START_TEST(fields_hold_every_member)
{
	char *text = body_of(structs[_i].file, structs[_i].name);
	char *line, *part, *a, *b;
	unsigned members = 0;

	for (line = strtok_r(text, ";", &a); line;
	     line = strtok_r(NULL, ";", &a))
		for (part = strtok_r(line, ",", &b); part;
		     part = strtok_r(NULL, ",", &b), members++)
			look_for((unsigned)_i, part);
	ck_assert_uint_gt(members, 1);
	free(text);
}
END_TEST

static const struct record_type *const types[] = {
	&record_sizes, &record_stack,	 &record_conn,	 &record_listener,
	&record_half,  &record_timewait, &record_xmit,	 &record_reply,
	&record_sackq, &record_flow,	 &record_inflow,
};

START_TEST(fields_have_tags_of_their_own_and_do_not_overlap)
{
	const struct record_type *ty = types[_i];

	for (size_t i = 0; i < ty->nfields; i++) {
		const struct field *f = &ty->field[i];
		size_t end = f->offset + (size_t)f->n * f->size;

		ck_assert_uint_lt(f->tag, MORE_FLAGS);
		ck_assert_msg(f->size == 1 || f->size == 2 || f->size == 4 ||
				      f->size == 8,
			      "%s: %u octets", f->name, f->size);
		for (size_t k = 0; k < i; k++) {
			const struct field *g = &ty->field[k];

			ck_assert_msg(f->tag != g->tag, "%s and %s: one tag",
				      f->name, g->name);
			ck_assert_msg(end <= g->offset ||
					      f->offset >=
						      g->offset +
							      (size_t)g->n *
								      g->size,
				      "%s and %s overlap", f->name, g->name);
		}
	}
}
END_TEST

/* --- items */

static uint8_t buf[4096];

static struct octets written(const struct record_out *o)
{
	ck_assert_uint_le(o->at, o->room);
	return octets_of(buf, o->at);
}

static struct record_out writer(void)
{
	return (struct record_out){.p = buf, .room = sizeof(buf)};
}

/* Each octet of each field something else: all come back. */
START_TEST(fields_come_back_as_they_were)
{
	const struct record_type *ty = types[_i];
	static uint64_t a[8192], b[8192];
	uint8_t *pa = (uint8_t *)a, *pb = (uint8_t *)b;
	static uint8_t large[100000];
	struct record_out o = {.p = large, .room = sizeof(large)};
	uint8_t v = 1;

	memset(a, 0, sizeof(a));
	memset(b, 0, sizeof(b));
	for (size_t i = 0; i < ty->nfields; i++)
		for (size_t k = 0;
		     k < (size_t)ty->field[i].n * ty->field[i].size; k++)
			pa[ty->field[i].offset + k] = v++;
	if (ty->flags)
		ty->set_flags(pa, UINT64_C(0x155555555));
	record_fields(&o, ty, pa);
	ck_assert_uint_le(o.at, o.room);
	ck_assert(record_read(octets_of(large, o.at), ty, pb));
	ck_assert_int_eq(memcmp(pa, pb, sizeof(a)), 0);
	if (ty->flags)
		ck_assert_uint_eq(ty->flags(pa), ty->flags(pb));
}
END_TEST

START_TEST(fields_that_are_zero_are_not_written)
{
	const struct xmit none = {0};
	struct record_out o = writer();

	record_fields(&o, &record_xmit, &none);
	ck_assert_uint_eq(o.at, 0);
}
END_TEST

/* Little endian, whatever the machine is. */
START_TEST(fields_are_written_octet_by_octet)
{
	static const uint8_t want[] = {1, 0, 4, 0, 4, 0, 0, 0, 4, 3,	2,
				       1, 7, 0, 2, 0, 2, 0, 0, 0, 0xb4, 5};
	const struct xmit x = {.seq = 0x01020304, .mss = 1460};
	struct record_out o = writer();

	record_fields(&o, &record_xmit, &x);
	ck_assert_uint_eq(o.at, sizeof(want));
	ck_assert_mem_eq(buf, want, sizeof(want));
}
END_TEST

START_TEST(read_skips_unknown_tags_and_leaves_the_rest_at_zero)
{
	struct record_out o = writer();
	struct xmit x = {0};

	record_u64(&o, 0x7777, 9); /* of a version to come */
	record_item(&o, 2, REC_U32, 4);
	record_put_int(&o, 1234, 4);
	record_item(&o, 0xfff, REC_OCTETS, 0);
	ck_assert(record_read(written(&o), &record_xmit, &x));
	ck_assert_uint_eq(x.end, 1234);
	ck_assert_uint_eq(x.seq, 0);
}
END_TEST

START_TEST(read_takes_a_shorter_array_and_refuses_a_longer_one)
{
	struct record_out o = writer();
	struct conn c = {0};

	record_item(&o, 5, REC_U64, 16); /* timer[] */
	record_put_int(&o, 11, 8);
	record_put_int(&o, 12, 8);
	ck_assert(record_read(written(&o), &record_conn, &c));
	ck_assert_uint_eq(c.timer[0], 11);
	ck_assert_uint_eq(c.timer[1], 12);
	ck_assert_uint_eq(c.timer[2], 0);
	o = writer();
	record_item(&o, 5, REC_U64, (CT_NTIMERS + 1) * 8);
	for (unsigned i = 0; i <= CT_NTIMERS; i++)
		record_put_int(&o, i, 8);
	ck_assert(!record_read(written(&o), &record_conn, &c));
}
END_TEST

/* Of an item with the tag of xmit.seq. */
static const struct {
	const char *name;
	uint16_t kind;
	uint32_t says, has; /* octets */
	bool good;
} damaged[] = {
	{"as it should be", REC_U32, 4, 4, true},
	{"empty", REC_U32, 0, 0, true},
	{"another size", REC_U64, 8, 8, false},
	{"octets", REC_OCTETS, 4, 4, false},
	{"no such size", 3, 3, 3, false},
	{"no size at all", 0, 4, 4, false},
	{"half a number", REC_U32, 2, 2, false},
	{"two numbers", REC_U32, 8, 8, false},
	{"longer than what is there", REC_U32, 4, 3, false},
	{"far longer than what is there", REC_U32, 0xfffffffc, 4, false},
};

START_TEST(read_refuses_items_that_are_damaged)
{
	struct record_out o = writer();
	struct xmit x = {0};

	record_item(&o, 1, (enum record_kind)damaged[_i].kind,
		    damaged[_i].says);
	for (uint32_t i = 0; i < damaged[_i].has; i++)
		record_put_int(&o, i + 1, 1);
	ck_assert_msg(record_read(written(&o), &record_xmit, &x) ==
			      damaged[_i].good,
		      "%s", damaged[_i].name);
}
END_TEST

START_TEST(read_refuses_half_a_head)
{
	struct record_out o = writer();
	struct xmit x;

	record_u64(&o, 0x7777, 9);
	record_item(&o, 1, REC_U32, 0);
	for (uint64_t n = 1; n < RECORD_ITEM; n++)
		ck_assert(!record_read(octets_of(buf, o.at - n), &record_xmit,
				       &x));
}
END_TEST

START_TEST(find_gives_the_item_or_an_empty_one)
{
	static const uint32_t two[] = {7, 8};
	struct record_out o = writer();
	struct octets got;

	record_u64(&o, 1, 5);
	record_u32s(&o, 2, two, 2);
	got = record_find(written(&o), 2, REC_U32);
	ck_assert_uint_eq(record_u32(&got), 7);
	ck_assert_uint_eq(record_u32(&got), 8);
	ck_assert_uint_eq(record_u32(&got), 0);
	ck_assert(got.bad);
	got = record_find(written(&o), 2, REC_U64); /* of another kind */
	ck_assert_uint_eq(octets_left(&got), 0);
	got = record_find(written(&o), 3, REC_U32);
	ck_assert_uint_eq(octets_left(&got), 0);
}
END_TEST

START_TEST(writing_counts_what_does_not_fit)
{
	struct record_out o = {.p = buf, .room = 10};
	uint64_t begun;

	memset(buf, 0x5a, sizeof(buf));
	begun = record_begin(&o, 1, REC_GROUP);
	record_u64(&o, 2, UINT64_MAX);
	record_end(&o, begun);
	ck_assert_uint_eq(o.at, 24);
	ck_assert_uint_eq(buf[4], 16); /* its length fits */
	for (unsigned i = 10; i < 30; i++)
		ck_assert_uint_eq(buf[i], 0x5a);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("record_fields");
	TCase *tc = tcase_create("fields");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, fields_hold_every_member, 0,
			    ARRAY_SIZE(structs));
	tcase_add_loop_test(tc,
			    fields_have_tags_of_their_own_and_do_not_overlap, 0,
			    ARRAY_SIZE(types));
	tcase_add_loop_test(tc, fields_come_back_as_they_were, 0,
			    ARRAY_SIZE(types));
	tcase_add_test(tc, fields_that_are_zero_are_not_written);
	tcase_add_test(tc, fields_are_written_octet_by_octet);
	tcase_add_test(tc, read_skips_unknown_tags_and_leaves_the_rest_at_zero);
	tcase_add_test(tc, read_takes_a_shorter_array_and_refuses_a_longer_one);
	tcase_add_loop_test(tc, read_refuses_items_that_are_damaged, 0,
			    ARRAY_SIZE(damaged));
	tcase_add_test(tc, read_refuses_half_a_head);
	tcase_add_test(tc, find_gives_the_item_or_an_empty_one);
	tcase_add_test(tc, writing_counts_what_does_not_fit);
	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
