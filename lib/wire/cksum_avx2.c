/* SPDX-License-Identifier: MIT */
/*
 * cksum_avx2.c - the Internet checksum, 128 octets a step.
 *
 * Four vectors of 64-bit lanes take the 32-bit words, so that no carry is
 * ever lost (a lane overflows after 2^32 words).  Only this function is
 * compiled for AVX2: the rest of the program runs on any x86-64.
 */
#include "cksum_avx2.h"

#ifdef __x86_64__
#include <immintrin.h>

/* Below, adding across the lanes and the rest cost more than is won. */
#define LEN_MIN 768

/* acc + the 32-bit words of v */
__attribute__((target("avx2"))) static inline __m256i add_words(__m256i acc,
								__m256i v)
{
	const __m256i low = _mm256_set1_epi64x(0xffffffff);

	acc = _mm256_add_epi64(acc, _mm256_and_si256(v, low));
	return _mm256_add_epi64(acc, _mm256_srli_epi64(v, 32));
}

__attribute__((target("avx2"))) static inline __m256i load(const uint8_t *p)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

__attribute__((target("avx2"))) cksum_t cksum_avx2(const void *data, size_t len)
{
	const uint8_t *p = data;
	__m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;
	uint64_t lane[4];
	cksum_t s = 0;

	if (len < LEN_MIN)
		return cksum_portable(p, len);
	for (; len >= 128; len -= 128, p += 128) {
		a = add_words(a, load(p));
		b = add_words(b, load(p + 32));
		c = add_words(c, load(p + 64));
		d = add_words(d, load(p + 96));
	}
	for (; len >= 32; len -= 32, p += 32)
		a = add_words(a, load(p));
	a = _mm256_add_epi64(_mm256_add_epi64(a, b), _mm256_add_epi64(c, d));
	_mm256_storeu_si256((__m256i *)(void *)lane, a);
	for (int i = 0; i < 4; i++)
		s += cksum_fold(lane[i]);
	/* x86 is little endian; what is left begins at an even octet */
	return cksum_fold(cksum_swap(s) + cksum_portable(p, len));
}
#else
typedef int cksum_no_avx2; /* ISO C wants a declaration in every file */
#endif
