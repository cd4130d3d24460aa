/* SPDX-License-Identifier: MIT */
/* cksum_avx2.h - for cksum.c and its test only: call it on a processor that
 * has AVX2. */
#ifndef WIRE_CKSUM_AVX2_H
#define WIRE_CKSUM_AVX2_H

#include "cksum.h"

#ifdef __x86_64__
cksum_fn cksum_avx2;
#endif

#endif /* WIRE_CKSUM_AVX2_H */
