/* SPDX-License-Identifier: MIT */
/*
 * broken.h - rows of faults for the tests of tcpd_check(): one member of one
 * object gets another value, and what is said about it is the row's name.
 */
#ifndef UNIT_BROKEN_H
#define UNIT_BROKEN_H

#include <check.h>
#include <string.h>

#include "duo.h"
#include "stack/check.h"

struct broken {
	const char *wrong;	      /* what tcpd_check() must say */
	void *(*find)(struct tcp *t); /* NULL: this stack has none */
	size_t offset, size;
	uint64_t add; /* to the member, which wraps */
};

/* ... and what takes more than one member. */
struct broken_more {
	const char *wrong;
	bool (*breaks)(struct tcp *t); /* false: this stack has none */
};

#define BROKEN(wrong, find, type, member, add)                       \
	{                                                            \
		wrong, find, offsetof(type, member),                 \
			sizeof(((type *)0)->member), (uint64_t)(add) \
	}

static inline void broken_add(uint8_t *p, size_t size, uint64_t v)
{
	unsigned carry = 0;

	for (size_t i = 0; i < size; i++, v >>= 8) {
		carry += p[i] + (unsigned)(v & 255);
		p[i] = (uint8_t)carry;
		carry >>= 8;
	}
}

static inline void broken_begin(struct duo *d)
{
	duo_init(d);
	duo_open(d);
	duo_crowd(d);
	for (unsigned i = 0; i < 2; i++)
		ck_assert_ptr_null(tcpd_check(d->st[i]));
}

static inline void broken_said(const char *wrong, struct tcpd_stack *st)
{
	const char *said = tcpd_check(st);

	ck_assert_msg(said && strcmp(said, wrong) == 0,
		      "\"%s\" was expected, tcpd_check() says \"%s\"", wrong,
		      said ? said : "nothing");
}

/* In whichever of the two stacks has such a thing. */
static inline void broken_try(const struct broken *b)
{
	static struct duo d;
	unsigned side = 1;
	uint8_t *p, was[64];

	broken_begin(&d);
	p = b->find(&d.st[side]->t);
	if (!p)
		p = b->find(&d.st[--side]->t);
	ck_assert_msg(p != NULL, "%s: nothing to break", b->wrong);
	p += b->offset;
	memcpy(was, p, b->size);
	broken_add(p, b->size, b->add);
	broken_said(b->wrong, d.st[side]);
	memcpy(p, was, b->size);
	ck_assert_ptr_null(tcpd_check(d.st[side]));
	duo_close(&d);
}

static inline void broken_try_more(const struct broken_more *b)
{
	static struct duo d;
	unsigned side = 1;

	broken_begin(&d);
	if (!b->breaks(&d.st[side]->t))
		ck_assert_msg(b->breaks(&d.st[--side]->t),
			      "%s: nothing to break", b->wrong);
	broken_said(b->wrong, d.st[side]);
	duo_close(&d);
}

#endif /* UNIT_BROKEN_H */
