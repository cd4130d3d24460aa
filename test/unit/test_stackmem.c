/* SPDX-License-Identifier: MIT */
/*
 * test_stackmem.c - memory that costs what is touched, and gives it back.
 * LINK: daemon/stackmem.c daemon/secrets.c */
#include <check.h>
#include <string.h>
#include <sys/mman.h>

#include "daemon/secrets.h"
#include "daemon/stackmem.h"

#define PAGE ((size_t)4096)

static unsigned resident(void *p, size_t pages)
{
	unsigned char vec[64];
	unsigned n = 0;

	ck_assert_int_eq(mincore(p, pages * PAGE, vec), 0);
	for (size_t i = 0; i < pages; i++)
		n += vec[i] & 1u;
	return n;
}

START_TEST(stackmem_discard_gives_back_whole_pages_and_leaves_the_rest)
{
	struct tcpd_settings s;
	unsigned char *p;

	stackmem_use(&s);
	p = s.map(s.arg, 8 * PAGE);
	ck_assert_ptr_nonnull(p);
	ck_assert_uint_eq((uintptr_t)p % PAGE, 0);
	ck_assert_uint_eq(resident(p, 8), 0);
	memset(p, 7, 8 * PAGE);
	ck_assert_uint_eq(resident(p, 8), 8);
	/* from the middle of page 1 to the middle of page 5: pages 2 to 4 */
	s.discard(s.arg, p + PAGE + 100, 4 * PAGE);
	ck_assert_uint_eq(resident(p, 8), 5);
	ck_assert_uint_eq(p[2 * PAGE - 1], 7);
	ck_assert_uint_eq(p[5 * PAGE], 7);
	/* less than a page: nothing */
	s.discard(s.arg, p + 6 * PAGE + 1, PAGE - 2);
	ck_assert_uint_eq(p[6 * PAGE + 1], 7);
	s.unmap(s.arg, p, 8 * PAGE);
	s.unmap(s.arg, NULL, 0);
}
END_TEST

START_TEST(stackmem_gives_far_more_address_space_than_there_is_memory)
{
	struct tcpd_settings s;
	unsigned char *p;

	stackmem_use(&s);
	p = s.map(s.arg, (size_t)1 << 40);
	ck_assert_ptr_nonnull(p);
	p[((size_t)1 << 40) - 1] = 1;
	s.unmap(s.arg, p, (size_t)1 << 40);
	ck_assert_ptr_null(s.map(s.arg, SIZE_MAX / 2));
}
END_TEST

START_TEST(secrets_are_filled_to_the_last_octet_and_never_the_same)
{
	unsigned char a[64] = {0}, b[64] = {0}, seen[64] = {0};

	for (int i = 0; i < 20; i++) {
		ck_assert(secrets_fill(a, sizeof(a)));
		ck_assert(memcmp(a, b, sizeof(a)) != 0);
		memcpy(b, a, sizeof(a));
		for (size_t j = 0; j < sizeof(a); j++)
			seen[j] |= a[j];
	}
	for (size_t j = 0; j < sizeof(a); j++)
		ck_assert_uint_ne(seen[j], 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("stackmem");
	TCase *tc = tcase_create("memory");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(
		tc,
		stackmem_discard_gives_back_whole_pages_and_leaves_the_rest);
	tcase_add_test(
		tc, stackmem_gives_far_more_address_space_than_there_is_memory);
	tcase_add_test(tc,
		       secrets_are_filled_to_the_last_octet_and_never_the_same);

	suite_add_tcase(s, tc);
	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed != 0;
}
