// SPDX-License-Identifier: Apache-2.0
// Costs, limits and version-dependent behaviour of the file system and its page cache.
#pragma once

#include "models/base/parameters.h"

namespace sluice::fs {

struct FsConfig {
  CpuCost open = CpuCost::time(900_ns);
  CpuCost create = CpuCost::time(5_us);
  CpuCost read_call = CpuCost::time(60_ns);
  CpuCost splice_call = CpuCost::time(60_ns);
  CpuCost write_call = CpuCost::time(150_ns);
  CpuCost page_lookup = CpuCost::time(15_ns);
  CpuCost page_insert = CpuCost::time(80_ns);
  CpuCost page_read_done = CpuCost::time(15_ns);
  CpuCost page_write = CpuCost::time(120_ns);
  CpuCost page_splice = CpuCost::time(20_ns);
  CpuCost page_write_back = CpuCost::time(80_ns);
  CpuCost page_reclaim = CpuCost::time(60_ns);
  CpuCost read_ahead_submit = CpuCost::time(150_ns);
  CpuCost map_blocks = CpuCost::time(50_ns);
  CpuCost allocate_block = CpuCost::time(150_ns);
  CpuCost direct_io = CpuCost::time(500_ns);
  CpuCost truncate = CpuCost::time(1_us);
  Bytes read_ahead = Bytes{128} << 10;
  unsigned max_folio_order = 9;              ///< folios of the page cache have up to 2^this pages; 0: single pages
  Bytes preload_call_size = Bytes{1} << 20;  ///< a file that is warm at the start was read by calls of this size
  bool preload_written = false;              ///< or was written by them, and stayed in memory since
  unsigned mmap_lots_of_misses = 100;
  Fraction dirty_background{100'000};
  Fraction dirty_limit{200'000};
  void describe(base::ParameterTable& table);
};

}  // namespace sluice::fs
