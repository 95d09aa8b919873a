// SPDX-License-Identifier: Apache-2.0
#include "tools/calibrate/calibration_table.h"

namespace sluice::calibrate {

const std::vector<Row>& calibration_table() {
  static const std::vector<Row> rows{
      // The model looks a descriptor up in every call, and nothing tells the way in from the way out: the three keep
      // the ratio of their published values.
      {{{"kernel.syscall.entry", 0.45}, {"kernel.syscall.exit", 0.3}, {"kernel.syscall.file_call", 0.25}},
       {{1, "call.file"}},
       "lseek on a file"},
      {{{"cpu.read_l1", 0.5}, {"cpu.write_l1", 0.5}},
       {{1, "read.3_pages"}, {-1, "read.4096_bytes"}},
       "pread of three pages instead of one; nothing tells the two sides apart"},
      // Here end the rows of what is in L1.
      {{{"kernel.fs.read_call"}}, {{1, "read.page_between_others"}}, "pread of a page, after other calls"},
      {{{"kernel.fs.page_lookup"}},
       {{1, "read.single_pages"}, {-1, "read.large_folio"}},
       "pread of 32 KiB in eight folios instead of one"},
      {{{"kernel.mm.map_region"}}, {{1, "map.file"}}, "mmap of a file"},
      {{{"kernel.mm.unmap_region"}}, {{1, "unmap.untouched"}}, "munmap of what was never touched"},
      {{{"kernel.mm.fault_map_page"}},
       {{1, "fault.window"}, {-1, "fault.file_page"}},
       "a read fault that maps 16 pages of a folio instead of one"},
      {{{"kernel.mm.fault_map_folio"}},
       {{1, "fault.single_pages"}, {-1, "fault.window"}},
       "a read fault that maps 16 folios instead of one"},
      {{{"kernel.mm.fault_entry"}}, {{1, "fault.file_page"}}, "a read fault that maps one page"},
      {{{"kernel.mm.private_page"}}, {{1, "fault.256_anonymous"}}, "writing to fresh private pages"},
      // Longer ranges than 33 pages flush the whole TLB, at a cost that does not depend on their length.
      {{{"kernel.mm.unmap_page"}},
       {{1, "unmap.192_pages"}, {-1, "unmap.64_pages"}},
       "munmap of 192 mapped pages of a folio instead of 64"},
      {{{"kernel.mm.unmap_folio"}},
       {{1, "unmap.single_pages"}, {-1, "unmap.window"}},
       "munmap of 16 folios instead of one"},
      {{{"kernel.mm.tlb_flush_page"}}, {{1, "unmap.window"}}, "munmap of 16 mapped pages of a folio"},
      {{{"kernel.mm.tlb_flush"}}, {{1, "unmap.64_pages"}}, "munmap of 64 mapped pages of a folio"},
      {{{"kernel.pipe.slot"}}, {{1, "pipe.tee.8"}, {-1, "pipe.tee.1"}}, "tee of eight pages instead of one"},
      {{{"kernel.mm.pin_page"}},
       {{1, "pipe.vmsplice.8"}, {-1, "pipe.vmsplice.1"}},
       "vmsplice of eight pages instead of one"},
      {{{"kernel.pipe.call"}}, {{1, "pipe.tee.1"}}, "tee of a page, which enters two pipes"},
      {{{"kernel.fs.page_splice"}},
       {{1, "pipe.splice_file.8"}, {-1, "pipe.splice_file.1"}},
       "splice of eight cached pages to a pipe instead of one"},
      {{{"kernel.fs.splice_call"}}, {{1, "pipe.splice_file.1"}}, "splice of a cached page to a pipe"},
      {{{"kernel.net.send_call"}}, {{1, "socket.send_nothing"}}, "send of no bytes"},
      {{{"kernel.net.receive_call"}}, {{1, "socket.receive_nothing"}}, "recv that finds nothing"},
      {{{"kernel.net.copy_fragment"}}, {{1, "socket.write_corked"}}, "write of a page into a packet that is not full"},
      {{{"kernel.net.push"}},
       {{1, "socket.send_held"}, {-1, "socket.send_more"}},
       "send of a byte that Nagle holds back instead of one with MSG_MORE"},
      // A packet's way from one end to the other takes no break, so its parts keep the ratio of their published values.
      {{{"kernel.net.tcp_transmit", 0.43},
        {"kernel.net.loopback_transmit", 0.13},
        {"kernel.net.backlog_poll", 0.09},
        {"kernel.net.loopback_receive", 0.13},
        {"kernel.net.tcp_receive", 0.22}},
       {{1, "socket.send_1"}},
       "send of a byte to the other end"},
      {{{"kernel.net.skb_free"}},
       {{1, "socket.receive_burst"}, {-1, "socket.receive_4096"}},
       "recv of eight packets instead of one; each is freed at both ends"},
      {{{"kernel.net.splice_call"}}, {{1, "socket.splice_more"}}, "splice of a page into a packet that is not full"},
      {{{"kernel.net.splice_fragment"}},
       {{1, "socket.splice_pages_8"}, {-1, "socket.splice_pages_1"}},
       "splice of eight pages to a socket instead of one"},
      {{{"kernel.net.fragment_free"}},
       {{1, "socket.receive_pages_8"}, {-1, "socket.receive_pages_1"}},
       "recv of eight page references instead of one"},
      {{{"kernel.net.acknowledge", 0.6}, {"kernel.net.tcp_acknowledged", 0.4}},
       {{1, "socket.receive_1"}},
       "recv of a byte, with its acknowledgment"},
      // Both happen together; they keep the ratio of their published values.
      {{{"kernel.sched.context_switch", 0.92}, {"kernel.sched.wake_up", 0.08}},
       {{1, "task.round_trip"}},
       "a byte to another process on the core, and back"},
      {{{"cpu.idle_exit"}}, {{1, "task.round_trip_across"}}, "a byte to a process on an idle core, and back"},
      {{{"cpu.read_peer", 0.5}, {"cpu.write_peer", 0.5}},
       {{1, "task.read_written_across"}},
       "read of 48 KiB that another core wrote; nothing tells the two sides apart"},
      {{{"disk.ssd_read_latency"}}, {{1, "disk.page"}}, "O_DIRECT read of a page"},
      {{{"disk.ssd_read_rate"}}, {{1, "disk.read_ahead"}}, "reading 32 MiB of a file that is not cached"},
  };
  return rows;
}

}  // namespace sluice::calibrate
