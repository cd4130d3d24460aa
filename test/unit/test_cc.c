/* SPDX-License-Identifier: MIT */
/*
 * test_cc.c - the table of congestion controls: each row is whole.
 *
 * LINK: test/unit/rig.c
 */
#include <string.h>

#include "rig.h"

START_TEST(cc_each_row_has_a_name_and_all_operations)
{
	const struct cc_ops *o = cc_ops_of((uint8_t)_i);

	ck_assert_str_eq(tcpd_congestion_name((enum tcpd_congestion)_i),
			 o->name);
	ck_assert(o->init && o->acked && o->enter_recovery &&
		  o->exit_recovery && o->timeout && o->undo && o->restart);
	for (int i = 0; i < _i; i++)
		ck_assert_str_ne(cc_ops_of((uint8_t)i)->name, o->name);
}
END_TEST

START_TEST(cc_number_that_does_not_exist_is_the_first_and_has_no_name)
{
	ck_assert_ptr_eq(cc_ops_of(TCPD_NCCS), cc_ops_of(0));
	ck_assert_ptr_eq(cc_ops_of(255), cc_ops_of(0));
	ck_assert_str_eq(tcpd_congestion_name(TCPD_NCCS), "?");
}
END_TEST

START_TEST(cc_numbers_are_those_of_the_names)
{
	ck_assert_ptr_eq(cc_ops_of(TCPD_CC_NEWRENO), &cc_newreno);
	ck_assert_str_eq(tcpd_congestion_name(TCPD_CC_NEWRENO), "newreno");
	ck_assert_ptr_eq(cc_ops_of(TCPD_CC_CUBIC), &cc_cubic);
	ck_assert_str_eq(tcpd_congestion_name(TCPD_CC_CUBIC), "cubic");
	ck_assert_ptr_eq(cc_ops_of(TCPD_CC_BBR), &cc_bbr);
	ck_assert_str_eq(tcpd_congestion_name(TCPD_CC_BBR), "bbr");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cc");
	TCase *tc = rig_case(s, "table");

	tcase_add_loop_test(tc, cc_each_row_has_a_name_and_all_operations, 0,
			    TCPD_NCCS);
	tcase_add_test(
		tc, cc_number_that_does_not_exist_is_the_first_and_has_no_name);
	tcase_add_test(tc, cc_numbers_are_those_of_the_names);
	return rig_run(s);
}
