/* A binary search in the file: about twenty reads of eight bytes, and results are cached above. */
#include "symbol/fde_start.h"

#define ENC_UDATA4	   0x03
#define ENC_DATAREL_SDATA4 0x3b
#define HEAD_BYTES	   12
#define ENTRY_BYTES	   8
#define ENTRIES_MAX	   (1u << 24)

struct head {
	uint8_t version, frame_enc, count_enc, table_enc;
	int32_t frame;
	uint32_t count;
};
_Static_assert(sizeof(struct head) == HEAD_BYTES, "as it stands in the file");

static bool start_at(const struct image *im, uint32_t i, uint64_t *ret)
{
	int32_t rel;

	if (!bytes_read(&im->bytes, im->eh_frame_hdr.off + HEAD_BYTES + (uint64_t)i * ENTRY_BYTES,
			&rel, sizeof(rel)))
		return false;
	*ret = im->eh_frame_hdr.vaddr + (uint64_t)(int64_t)rel;
	return true;
}

bool fde_start(const struct image *im, uint64_t vaddr, uint64_t *ret)
{
	const struct image_section *s = &im->eh_frame_hdr;
	uint32_t low = 0, high;
	uint64_t at, best = 0;
	struct head h;

	if (s->size < HEAD_BYTES || !bytes_read(&im->bytes, s->off, &h, sizeof(h)) ||
	    h.version != 1 || h.count_enc != ENC_UDATA4 || h.table_enc != ENC_DATAREL_SDATA4 ||
	    h.count > ENTRIES_MAX || h.count > (s->size - HEAD_BYTES) / ENTRY_BYTES)
		return false;
	for (high = h.count; low < high;) {
		uint32_t mid = low + (high - low) / 2;

		if (!start_at(im, mid, &at))
			return false;
		if (at <= vaddr) {
			best = at;
			low = mid + 1;
		} else {
			high = mid;
		}
	}
	if (!low)
		return false;
	*ret = best;
	return true;
}
