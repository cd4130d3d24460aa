/* SPDX-License-Identifier: MIT */
/* cc.c - the congestion controls that there are, one row each. */
#include "cc.h"
#include "base/clamp.h"

static const struct cc_ops *const modules[] = {
	[TCPD_CC_NEWRENO] = &cc_newreno,
	[TCPD_CC_CUBIC] = &cc_cubic,
	[TCPD_CC_BBR] = &cc_bbr,
};

const struct cc_ops *cc_ops_of(uint8_t congestion)
{
	return modules[congestion < ARRAY_SIZE(modules) ? congestion : 0];
}

const char *tcpd_congestion_name(enum tcpd_congestion cc)
{
	return (unsigned)cc < ARRAY_SIZE(modules) ? modules[cc]->name : "?";
}
