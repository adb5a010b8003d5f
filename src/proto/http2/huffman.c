/*
 * The code is canonical: codes of one length follow each other in the order of the symbols below, and the first of a
 * length is the one behind the last of the length before, shifted. So the lengths' counts and the order are the whole
 * table (RFC 7541, appendix B). Code 0x3fffffff, the last of 30 bits, is EOS and never valid in a text.
 */
#include "base/cur.h"
#include "proto/http2/hpack.h"

#define BITS_MIN 5
#define BITS_MAX 30

/* clang-format off */
static const uint8_t counts[BITS_MAX + 1] = {
	0, 0, 0, 0, 0, 10, 26, 32, 6, 0, 5, 3, 2, 6, 2, 3, 0, 0, 0, 3, 8, 13, 26, 29, 12, 4, 15, 19, 29, 0, 3,
};
static const uint8_t symbols[256] = {
	48, 49, 50, 97, 99, 101, 105, 111, 115, 116, 32, 37, 45, 46, 47, 51,
	52, 53, 54, 55, 56, 57, 61, 65, 95, 98, 100, 102, 103, 104, 108, 109,
	110, 112, 114, 117, 58, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76,
	77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 89, 106, 107, 113, 118,
	119, 120, 121, 122, 38, 42, 44, 59, 88, 90, 33, 34, 40, 41, 63, 39,
	43, 124, 35, 62, 0, 36, 64, 91, 93, 126, 94, 125, 60, 96, 123, 92,
	195, 208, 128, 130, 131, 162, 184, 194, 224, 226, 153, 161, 167, 172, 176, 177,
	179, 209, 216, 217, 227, 229, 230, 129, 132, 133, 134, 136, 146, 154, 156, 160,
	163, 164, 169, 170, 173, 178, 181, 185, 186, 187, 189, 190, 196, 198, 228, 232,
	233, 1, 135, 137, 138, 139, 140, 141, 143, 147, 149, 150, 151, 152, 155, 157,
	158, 165, 166, 168, 174, 175, 180, 182, 183, 188, 191, 197, 231, 239, 9, 142,
	144, 145, 148, 159, 171, 206, 215, 225, 236, 237, 199, 207, 234, 235, 192, 193,
	200, 201, 202, 205, 210, 213, 218, 219, 238, 240, 242, 243, 255, 203, 204, 211,
	212, 214, 221, 222, 223, 241, 244, 245, 246, 247, 248, 250, 251, 252, 253, 254,
	2, 3, 4, 5, 6, 7, 8, 11, 12, 14, 15, 16, 17, 18, 19, 20,
	21, 23, 24, 25, 26, 27, 28, 29, 30, 31, 127, 220, 249, 10, 13, 22,
};
/* clang-format on */

/*
 * The symbol that @bits begins with (the first bit is the highest); its length in *ret_n. False: none.
 */
static bool symbol(uint32_t bits, uint8_t *ret, unsigned *ret_n)
{
	uint32_t code = 0, at = 0;

	for (unsigned n = BITS_MIN; n <= BITS_MAX; n++) {
		uint32_t have = bits >> (32 - n);

		if (have < code + counts[n]) {
			*ret = symbols[at + have - code];
			*ret_n = n;
			return true;
		}
		at += counts[n];
		code = (code + counts[n]) << 1;
	}
	return false;
}

bool hpack_huffman(struct str coded, char *ret, size_t max, size_t *ret_n)
{
	uint64_t bits = 0; /* the next @have bits are the highest */
	unsigned have = 0, used;
	size_t at = 0, n = 0;
	uint8_t c;

	for (;;) {
		while (have <= 32 && at < coded.n) {
			bits |= (uint64_t)(uint8_t)coded.p[at++] << (56 - have);
			have += 8;
		}
		/* What is missing at the end is as if it were ones: the beginning of EOS. */
		if (!symbol((uint32_t)((bits | (have < 64 ? UINT64_MAX >> have : 0)) >> 32), &c,
			    &used) ||
		    used > have)
			break;
		if (n < max)
			ret[n] = (char)c;
		n++;
		bits <<= used;
		have -= used;
	}
	/* Padding: fewer than 8 bits, all ones. */
	if (have > 7 || (have && bits >> (64 - have) != (1u << have) - 1))
		return false;
	*ret_n = n;
	return true;
}
