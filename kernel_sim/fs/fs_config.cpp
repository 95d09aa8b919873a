// SPDX-License-Identifier: Apache-2.0
#include "kernel_sim/fs/fs_config.h"

namespace sluice::fs {

void FsConfig::describe(base::ParameterTable& table) {
  table.add("open", open, "open: path look-up and a new file description", "estimate");
  table.add("create", create, "open with O_CREAT of a new file, besides open", "estimate");
  table.add("read_call", read_call, "read, pread or splice from a file, besides its pages", "estimate");
  table.add("splice_call", splice_call, "splice or sendfile from a file: positions, checks, without its pages",
            "estimate");
  table.add("write_call", write_call, "write to a file, besides its pages", "estimate");
  table.add("page_lookup", page_lookup, "finding one folio in the page cache", "estimate");
  table.add("page_insert", page_insert, "adding one folio to the page cache, besides its allocation", "estimate");
  table.add("page_read_done", page_read_done, "unlocking one folio when its read is done, in interrupt context",
            "estimate");
  table.add("page_write", page_write, "buffered write: preparing and dirtying one page", "estimate");
  table.add("page_splice", page_splice, "splice: handing on the reference of one page", "estimate");
  table.add("page_write_back", page_write_back, "write-back: one page", "estimate");
  table.add("page_reclaim", page_reclaim, "reclaim: one folio looked at", "estimate");
  table.add("read_ahead_submit", read_ahead_submit, "deciding on and submitting one read-ahead window", "estimate");
  table.add("map_blocks", map_blocks, "finding the disk blocks of one contiguous piece", "estimate");
  table.add("allocate_block", allocate_block, "finding a free disk block", "estimate");
  table.add("direct_io", direct_io, "O_DIRECT: each call, besides pinning and the block layer", "estimate");
  table.add("truncate", truncate, "ftruncate, besides its pages", "estimate");
  table.add("read_ahead", read_ahead, {Bytes{0}, Bytes{64} << 20}, "largest read-ahead window; 0 is off",
            "Linux VM_READAHEAD_PAGES: 128 KiB");
  table.add("max_folio_order", max_folio_order, {0, 9},
            "read-ahead and writes make folios of up to 2^this pages in the page cache; 0 is single pages",
            "Linux include/linux/pagemap.h MAX_PAGECACHE_ORDER 9; 0 on ext4 before 6.16");
  table.add("preload_call_size", preload_call_size, {Bytes{4096}, Bytes{1} << 30},
            "a file that is warm at the start lies in folios as after reading it once by calls of this size",
            "choice: as native runs warm a file");
  table.add("preload_written", preload_written, "it lies in folios as after writing it by such calls, not reading it",
            "choice: as native runs warm a file");
  table.add("mmap_lots_of_misses", mmap_lots_of_misses, {0, 1'000'000},
            "misses in a mapping, net of hits, beyond which read-around stops",
            "Linux mm/filemap.c, MMAP_LOTSAMISS 100");
  table.add("dirty_background", dirty_background, {Fraction{0}, Fraction{1'000'000}},
            "share of memory that may be dirty before the flusher writes back", "Linux mm/page-writeback.c: 10 %");
  table.add("dirty_limit", dirty_limit, {Fraction{1'000}, Fraction{1'000'000}},
            "share of memory that may be dirty before writers wait for write-back", "Linux mm/page-writeback.c: 20 %");
}

}  // namespace sluice::fs
