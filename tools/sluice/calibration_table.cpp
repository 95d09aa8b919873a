// SPDX-License-Identifier: Apache-2.0
#include "tools/sluice/calibration_table.h"

namespace sluice::tool {

const std::vector<Row>& calibration_table() {
  static const std::vector<Row> rows{
      // The model looks a descriptor up in every call, and nothing tells the way in from the way out: the three keep
      // the
      // ratio of their published values.
      {{{"kernel.syscall.entry", 0.45}, {"kernel.syscall.exit", 0.3}, {"kernel.syscall.file_call", 0.25}},
       {{1, "call.file"}},
       "lseek on a file"},
      // The slope of a line through four sizes (least squares: its weights are -3 -1 1 3 for equal steps).
      {{{"cpu.read_l1", 0.5}, {"cpu.write_l1", 0.5}},
       {{-3, "read.1024_bytes"}, {-1, "read.2048_bytes"}, {1, "read.3072_bytes"}, {3, "read.4096_bytes"}},
       "pread of 1 to 4 KiB of a page; nothing tells the two sides apart"},
      {{{"kernel.fs.read_call"}}, {{1, "read.4096_bytes"}}, "pread of a page"},
      {{{"kernel.fs.page_lookup"}}, {{1, "read.32_pages"}}, "pread of 32 pages"},
      {{{"kernel.mm.map_region"}}, {{1, "map.file"}}, "mmap of a file"},
      {{{"kernel.mm.unmap_region"}}, {{1, "unmap.untouched"}}, "munmap of what was never touched"},
      {{{"kernel.mm.fault_map_page"}},
       {{1, "fault.file_window"}, {-1, "fault.file_page"}},
       "a read fault that maps 16 pages instead of one"},
      {{{"kernel.mm.fault_entry"}}, {{1, "fault.file_page"}}, "a read fault that maps one page"},
      {{{"kernel.mm.unmap_page"}},
       {{1, "unmap.file_window"}, {-1, "unmap.file_page"}},
       "munmap of 16 mapped pages instead of one"},
      {{{"kernel.mm.tlb_flush"}}, {{1, "unmap.file_page"}}, "munmap of one mapped page"},
      {{{"kernel.mm.page_allocate"}}, {{1, "fault.256_anonymous"}}, "write faults on fresh memory"},
      {{{"kernel.mm.page_free"}}, {{1, "unmap.256_anonymous"}}, "munmap of private pages"},
  };
  return rows;
}

}  // namespace sluice::tool
