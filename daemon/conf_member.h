/* SPDX-License-Identifier: MIT */
/*
 * conf_member.h - the member that a row of conf_rows[] names, in its owner:
 * integers of any width, and the number of a list's values.
 */
#ifndef DAEMON_CONF_MEMBER_H
#define DAEMON_CONF_MEMBER_H

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "conf_table.h"

static inline void *conf_member(const struct conf_row *r, void *owner)
{
	return (char *)owner + r->off;
}

static inline const void *conf_peek(const struct conf_row *r, const void *owner)
{
	return (const char *)owner + r->off;
}

/* Integers of the member's width, without caring which. */
static inline void conf_put_uint(void *p, size_t size, uint64_t v)
{
	uint32_t v32 = (uint32_t)v;
	uint16_t v16 = (uint16_t)v;
	uint8_t v8 = (uint8_t)v;

	switch (size) {
	case 8:
		memcpy(p, &v, 8);
		break;
	case 4:
		memcpy(p, &v32, 4);
		break;
	case 2:
		memcpy(p, &v16, 2);
		break;
	case 1:
		memcpy(p, &v8, 1);
		break;
	default: /* nothing to keep */
		assert(size == 0);
		break;
	}
}

static inline uint64_t conf_get_uint(const void *p, size_t size)
{
	uint64_t v = 0;
	uint32_t v32;
	uint16_t v16;
	uint8_t v8;

	switch (size) {
	case 8:
		memcpy(&v, p, 8);
		return v;
	case 4:
		memcpy(&v32, p, 4);
		return v32;
	case 2:
		memcpy(&v16, p, 2);
		return v16;
	case 1:
		memcpy(&v8, p, 1);
		return v8;
	default:
		return 0;
	}
}

static inline size_t conf_count_of(const struct conf_row *r, const void *owner)
{
	return (size_t)conf_get_uint((const char *)owner + r->noff, r->nsize);
}

static inline void conf_set_count(const struct conf_row *r, void *owner,
				  size_t n)
{
	conf_put_uint((char *)owner + r->noff, r->nsize, n);
}

#endif /* DAEMON_CONF_MEMBER_H */
