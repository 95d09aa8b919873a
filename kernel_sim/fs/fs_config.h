// SPDX-License-Identifier: Apache-2.0
// Costs, limits and version-dependent behaviour of the file system and its page cache.
#pragma once

#include "models/base/parameters.h"

namespace sluice::fs {

struct FsConfig : base::Parameters {
  CpuCost open =
      parameter(open, "open", CpuCost::time(900_ns), "open: path look-up and a new file description", "estimate");
  CpuCost create =
      parameter(create, "create", CpuCost::time(5_us), "open with O_CREAT of a new file, besides open", "estimate");
  CpuCost read_call = parameter(read_call, "read_call", CpuCost::time(60_ns),
                                "read, pread or splice from a file, besides its pages", "estimate");
  CpuCost splice_call = parameter(splice_call, "splice_call", CpuCost::time(60_ns),
                                  "splice or sendfile from a file: positions, checks, without its pages", "estimate");
  CpuCost write_call =
      parameter(write_call, "write_call", CpuCost::time(150_ns), "write to a file, besides its pages", "estimate");
  CpuCost page_lookup =
      parameter(page_lookup, "page_lookup", CpuCost::time(15_ns), "finding one folio in the page cache", "estimate");
  CpuCost page_insert = parameter(page_insert, "page_insert", CpuCost::time(80_ns),
                                  "adding one folio to the page cache, besides its allocation", "estimate");
  CpuCost page_read_done = parameter(page_read_done, "page_read_done", CpuCost::time(15_ns),
                                     "unlocking one folio when its read is done, in interrupt context", "estimate");
  CpuCost page_write = parameter(page_write, "page_write", CpuCost::time(120_ns),
                                 "buffered write: preparing and dirtying one page", "estimate");
  CpuCost page_splice = parameter(page_splice, "page_splice", CpuCost::time(20_ns),
                                  "splice: handing on the reference of one page", "estimate");
  CpuCost page_write_back =
      parameter(page_write_back, "page_write_back", CpuCost::time(80_ns), "write-back: one page", "estimate");
  CpuCost page_reclaim =
      parameter(page_reclaim, "page_reclaim", CpuCost::time(60_ns), "reclaim: one folio looked at", "estimate");
  CpuCost read_ahead_submit = parameter(read_ahead_submit, "read_ahead_submit", CpuCost::time(150_ns),
                                        "deciding on and submitting one read-ahead window", "estimate");
  CpuCost map_blocks = parameter(map_blocks, "map_blocks", CpuCost::time(50_ns),
                                 "finding the disk blocks of one contiguous piece", "estimate");
  CpuCost allocate_block =
      parameter(allocate_block, "allocate_block", CpuCost::time(150_ns), "finding a free disk block", "estimate");
  CpuCost direct_io = parameter(direct_io, "direct_io", CpuCost::time(500_ns),
                                "O_DIRECT: each call, besides pinning and the block layer", "estimate");
  CpuCost truncate = parameter(truncate, "truncate", CpuCost::time(1_us), "ftruncate, besides its pages", "estimate");
  Bytes read_ahead = parameter(read_ahead, "read_ahead", 128_KiB, {0, 64_MiB}, "largest read-ahead window; 0 is off",
                               "Linux VM_READAHEAD_PAGES: 128 KiB");
  unsigned max_folio_order =
      parameter(max_folio_order, "max_folio_order", 9, {0, 9},
                "read-ahead and writes make folios of up to 2^this pages in the page cache; 0 is single pages",
                "Linux include/linux/pagemap.h MAX_PAGECACHE_ORDER 9; 0 on ext4 before 6.16");
  Bytes preload_call_size =
      parameter(preload_call_size, "preload_call_size", 1_MiB, {4096, 1_GiB},
                "a file that is warm at the start lies in folios as after reading it once by calls of this size",
                "choice: as native runs warm a file");
  bool preload_written = parameter(preload_written, "preload_written", false,
                                   "it lies in folios as after writing it by such calls, not reading it",
                                   "choice: as native runs warm a file");
  unsigned mmap_lots_of_misses = parameter(mmap_lots_of_misses, "mmap_lots_of_misses", 100, {0, 1'000'000},
                                           "misses in a mapping, net of hits, beyond which read-around stops",
                                           "Linux mm/filemap.c, MMAP_LOTSAMISS 100");
  Fraction dirty_background =
      parameter(dirty_background, "dirty_background", Fraction{100'000}, {Fraction{0}, Fraction{1'000'000}},
                "share of memory that may be dirty before the flusher writes back", "Linux mm/page-writeback.c: 10 %");
  Fraction dirty_limit = parameter(
      dirty_limit, "dirty_limit", Fraction{200'000}, {Fraction{1'000}, Fraction{1'000'000}},
      "share of memory that may be dirty before writers wait for write-back", "Linux mm/page-writeback.c: 20 %");
};

}  // namespace sluice::fs
