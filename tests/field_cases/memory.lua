-- Mappings.
cases = {}

local READ_WRITE, ANONYMOUS = PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS
local GUARD_INSTALL, GUARD_REMOVE = 102, 103  -- younger than some hosts' headers
local OWN = S_IRUSR | S_IWUSR

cases.mmap_sigbus = {
  about = "a load after the file was truncated",
  source = "cpp-httplib#1930 lighttpd#56 firebuild#762",
  a = 8192,
}
function mmap_sigbus()
  local file = open("a", O_RDWR)
  local m = map(8192, PROT_READ, MAP_SHARED, file)
  say("before", peek(m + 4096))
  ftruncate(file, 4096)
  say("first page", peek(m + 100))
  say("not reached", peek(m + 4096))
end

cases.mmap_tail = {
  about = "bytes stored behind the end are in the page and not in the file",
  source = "mmap(2) NOTES",
  a = 5000,
}
function mmap_tail()
  local file, buffer = open("a", O_RDWR), memory(4096)
  local m = map(8192, READ_WRITE, MAP_SHARED, file)
  fill(m + 5000, 9, 100)
  say("seen", peek(m + 5050))
  fsync(file)
  ftruncate(file, 6000)
  say("after growth", peek(m + 5050))
  say("read", pread(file, buffer, 10, 5050))
  say("byte", peek(buffer))
end

cases.madv_dontneed = {
  about = "private pages read 0 again; a file mapping reads the file again",
  source = "jemalloc/Go runtime MADV_DONTNEED/FREE",
  a = 4096,
}
function madv_dontneed()
  local m = memory(4096)
  fill(m, 5, 4096)
  say("advice", madvise(m, 4096, MADV_DONTNEED))
  say("byte", peek(m))
  say("free", madvise(m, 4096, MADV_FREE))
  local copy = map(4096, READ_WRITE, MAP_PRIVATE, open("a", O_RDWR))
  local was = peek(copy)
  fill(copy, was + 1, 1)
  madvise(copy, 4096, MADV_DONTNEED)
  say("again", peek(copy) == was)
  say("huge page", madvise(m, 4096, MADV_HUGEPAGE))
  for _, advice in ipairs({ MADV_SEQUENTIAL, MADV_WILLNEED, MADV_DONTDUMP, 999 }) do
    say("advice " .. advice, madvise(copy, 4096, advice))
  end
end

cases.mmap_flags = {
  about = "MAP_HUGETLB, MAP_LOCKED, MAP_SHARED|ANON, MAP_FIXED_NOREPLACE, MAP_SHARED_VALIDATE, MAP_NORESERVE",
  source = "JVM/MySQL/Varnish mmap flags",
  a = 4096,
}
function mmap_flags()
  local file = open("a", O_RDONLY)
  local function try(name, protection, flags, fd) say(name, succeeded(map(4096, protection, flags, fd))) end
  try("shared anonymous", READ_WRITE, MAP_SHARED | MAP_ANONYMOUS)
  try("validate", PROT_READ, MAP_SHARED_VALIDATE, file)
  try("validate, sync", PROT_READ, MAP_SHARED_VALIDATE | MAP_SYNC, file)
  try("shared write of read-only", PROT_WRITE, MAP_SHARED, file)
  try("private write of read-only", PROT_WRITE, MAP_PRIVATE, file)
  try("write-only", PROT_READ, MAP_PRIVATE, open("a", O_WRONLY))
  try("no reserve", PROT_READ, ANONYMOUS | MAP_NORESERVE)
  try("stack", READ_WRITE, ANONYMOUS | MAP_STACK | MAP_GROWSDOWN)
  try("exec", PROT_READ | PROT_EXEC, MAP_PRIVATE, file)
  try("neither", PROT_READ, MAP_ANONYMOUS)
  try("huge pages", PROT_READ, ANONYMOUS | MAP_HUGETLB)
end

cases.mmap_offset = {
  about = "unaligned offset, zero size, mapping of an empty file, MAP_SHARED seen by read at once",
  source = "mmap(2), Kafka index files",
  a = 10000,
}
function mmap_offset()
  local file, buffer = open("a", O_RDWR), memory(4096)
  say("unaligned", map(4096, READ_WRITE, MAP_SHARED, file, 100))
  say("empty", map(0, READ_WRITE, MAP_SHARED, file, 0))
  say("of an empty file", succeeded(map(4096, READ_WRITE, MAP_SHARED, open("c", O_RDWR), 0)))
  local m = must(map(10000, READ_WRITE, MAP_SHARED, file, 4096))
  fill(m, 42, 10)
  pread(file, buffer, 10, 4096)
  say("read sees", peek(buffer))
  local r, w = pipe()
  sendfile(w, file, 4096, 10)
  fill(m, 43, 10)
  read(r, buffer, 10)
  say("pipe sees", peek(buffer))
  say("folder", map(4096, PROT_READ, MAP_SHARED, (open(".", O_RDONLY))))
end

cases.private_trunc = {
  about = "a private copy of a page is lost with the file's truncation: SIGBUS",
  source = "julia#28245 cpython#148650",
  a = 8192,
}
function private_trunc()
  local file = open("a", O_RDWR)
  local m = map(8192, READ_WRITE, MAP_PRIVATE, file)
  fill(m + 4096, 9, 10)
  ftruncate(file, 4096)
  say("byte", peek(m + 4096))
end

cases.min_full_disk = { about = "a store into a hole of a full disk", source = "h2o#909", disk = "small" }
function min_full_disk()
  local file, m = open("a", O_RDWR), memory(MiB)
  fill_disk(open("b", O_RDWR), m)
  say("write", pwrite(file, m, 1, 0))
  say("longer", ftruncate(file, 4096))
  fill(map(4096, READ_WRITE, MAP_SHARED, file), 1, 1)
  say("not reached")
end

local SIZE_4_MIB, SIZE_2_MIB, SIZE_1_GIB = 22 << MAP_HUGE_SHIFT, 21 << MAP_HUGE_SHIFT, 30 << MAP_HUGE_SHIFT
local FLAGS_OF_A_FILE = {
  MAP_GROWSDOWN | MAP_PRIVATE, MAP_GROWSDOWN | MAP_SHARED, 8, 0, MAP_SHARED | 0x40000000,
  MAP_SHARED_VALIDATE | 0x40000000, MAP_SHARED_VALIDATE | MAP_FIXED_NOREPLACE, MAP_SHARED_VALIDATE | 0x200000,
  MAP_PRIVATE | 0x200000, MAP_PRIVATE | MAP_HUGETLB, MAP_PRIVATE | SIZE_4_MIB,
  MAP_PRIVATE | MAP_LOCKED | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | MAP_NORESERVE | MAP_DENYWRITE | MAP_EXECUTABLE,
}
local FLAGS_OF_NO_FILE = {
  MAP_SHARED | MAP_ANONYMOUS | MAP_GROWSDOWN, ANONYMOUS | MAP_GROWSDOWN, MAP_SHARED_VALIDATE | MAP_ANONYMOUS,
  8 | MAP_ANONYMOUS, 4 | MAP_ANONYMOUS, 8 | MAP_ANONYMOUS | MAP_LOCKED, ANONYMOUS | MAP_LOCKED, ANONYMOUS | MAP_32BIT,
  ANONYMOUS | MAP_HUGETLB, ANONYMOUS | MAP_HUGETLB | SIZE_4_MIB, ANONYMOUS | MAP_HUGETLB | SIZE_2_MIB,
  ANONYMOUS | MAP_HUGETLB | SIZE_1_GIB, ANONYMOUS | MAP_HUGETLB | MAP_NORESERVE, MAP_ANONYMOUS | MAP_HUGETLB,
  ANONYMOUS | 0x200000,
}

cases.mmap_rules = { about = "flags that are refused, dropped or done, by kind of mapping", source = "mmap(2)", a = 65536 }
function mmap_rules()
  local function try(flags, file, size)
    local at, error = map(size, READ_WRITE, flags, file)
    say(hex(flags) .. (file and " file " or " anonymous ") .. size, succeeded(at, error))
    if at then munmap(at, size) end
  end
  local file, r, w = open("a", O_RDWR), pipe()
  for _, flags in ipairs(FLAGS_OF_A_FILE) do try(flags, file, 4096) end
  for _, flags in ipairs(FLAGS_OF_NO_FILE) do try(flags, nil, 4096) end
  try(ANONYMOUS | MAP_HUGETLB, nil, 0)
  try(MAP_PRIVATE | MAP_HUGETLB, nil, 4096)
  for _, offset in ipairs({ 0, -4096, -65536 }) do
    for _, fd in ipairs({ r, w, (socket(AF_INET, SOCK_STREAM, 0)) }) do
      say("offset " .. offset, map(4096, READ_WRITE, MAP_SHARED, fd, offset))
    end
  end
  say("low", map(4096, READ_WRITE, ANONYMOUS | MAP_32BIT) < 1 << 31)
end

cases.mmap_lock_limit = { about = "8 MiB of memory may be locked", source = "mlock(2) RLIMIT_MEMLOCK" }
function mmap_lock_limit()
  local function lock(size) return map(size, READ_WRITE, ANONYMOUS | MAP_LOCKED) end
  say("9 MiB", lock(9 * MiB))
  local most = lock(6 * MiB)
  say("6 MiB", succeeded(most))
  say("3 MiB", lock(3 * MiB))
  munmap(most, 4 * MiB)
  say("after munmap", succeeded(lock(3 * MiB)))
end

cases.stack_grows_down = {
  about = "a store below the mapping extends it, one far below does not",
  source = "mmap(2) MAP_GROWSDOWN",
}
function stack_grows_down()
  local base = must(map(16 * MiB, PROT_NONE, ANONYMOUS | MAP_NORESERVE))
  munmap(base, 16 * MiB)
  local top = base + 15 * MiB
  say("mapped", succeeded(mmap(top, 4096, READ_WRITE, ANONYMOUS | MAP_GROWSDOWN | MAP_FIXED, -1, 0)))
  fill(top - 4096, 3, 4096)
  fill(top - 4 * MiB, 4, 1)
  say("bytes", peek(top - 1), peek(top - 4 * MiB), peek(top - 2 * MiB))
  fill(top - 9 * MiB, 5, 1)
  say("not reached")
end

cases.huge_pages_missing = {
  about = "a mapping of huge pages that nobody reserved",
  source = "JVM/PostgreSQL huge pages",
}
function huge_pages_missing()
  local at = map(4096, READ_WRITE, ANONYMOUS | MAP_HUGETLB | MAP_NORESERVE)
  say("mapped", succeeded(at))
  say("not reached", peek(at))
end

local ADVICE = { 100, 101, 102, 103, 104, -1 }
for advice = 0, 26 do ADVICE[#ADVICE + 1] = advice end

cases.advice_table = { about = "every advice on every kind of mapping", source = "madvise(2)", a = 65536 }
function advice_table()
  local file = open("a", O_RDWR)
  local function of(protection, flags, fd) return map(65536, protection, flags, fd) or -1 end
  local kinds = {
    of(READ_WRITE, ANONYMOUS), of(READ_WRITE, MAP_SHARED | MAP_ANONYMOUS), of(READ_WRITE, MAP_SHARED, file),
    of(READ_WRITE, MAP_PRIVATE, file), of(PROT_READ, MAP_SHARED, file),
    of(PROT_READ, MAP_SHARED, (open("a", O_RDONLY))), of(PROT_NONE, ANONYMOUS), of(PROT_WRITE, ANONYMOUS),
    of(READ_WRITE, ANONYMOUS | MAP_LOCKED), of(READ_WRITE, 8 | MAP_ANONYMOUS), 0, 1,
  }
  for _, advice in ipairs(ADVICE) do
    local line = {}
    for i, at in ipairs(kinds) do line[i] = answer(madvise(at, 4096, advice)) end
    say("advice " .. advice, table.concat(line, " "))
    say("of nothing", madvise(kinds[1], 0, advice))
  end
end

cases.advice_does = { about = "REMOVE, POPULATE and guards", source = "madvise(2)", a = 65536 }
function advice_does()
  local file, buffer, spare = open("a", O_RDWR), memory(4096), memory(16 * KiB)
  local of_file = map(65536, READ_WRITE, MAP_SHARED, file)
  fill(of_file, 5, 65536)
  fsync(file)
  say("remove", madvise(of_file + 8192, 8192, MADV_REMOVE))
  say("file", peek(of_file + 8191), peek(of_file + 8192), peek(of_file + 16383), peek(of_file + 16384))
  pread(file, buffer, 4096, 12288)
  say("byte, hole, data", peek(buffer), lseek(file, 0, SEEK_HOLE), lseek(file, 8192, SEEK_DATA))
  for _, advice in ipairs({ MADV_POPULATE_READ, MADV_POPULATE_WRITE }) do say("new", madvise(spare, 16 * KiB, advice)) end
  ftruncate(file, 4096)
  say("populate behind the end", madvise(of_file, 8192, MADV_POPULATE_READ))
  say("read behind the end", madvise(of_file + 4096, 4096, MADV_WILLNEED))
  say("guard", madvise(spare + 4096, 4096, GUARD_INSTALL))
  say("populate it", madvise(spare, 16 * KiB, MADV_POPULATE_READ))
  local _, w = pipe()
  say("write from it", write(w, spare + 4096, 10))
  say("gone", madvise(spare + 4096, 4096, GUARD_REMOVE))
  say("byte", peek(spare + 4096))
end

cases.advice_for_children = {
  about = "what a child gets after WIPEONFORK and DONTFORK; what a guard does to a load",
  source = "madvise(2)",
}
function advice_for_children()
  local shared, m = map(65536, READ_WRITE, MAP_SHARED | MAP_ANONYMOUS), memory(65536)
  for _, at in ipairs({ shared, m }) do fill(at, 5, 65536) end
  say("remove", madvise(shared + 4096, 4096, MADV_REMOVE))
  say("shared", peek(shared + 4095), peek(shared + 4096))
  madvise(m, 4096, MADV_WIPEONFORK)
  madvise(m + 8192, 4096, MADV_DONTFORK)
  fork("advised_child", m)
  say("child", select(2, wait()))
  madvise(m, 4096, GUARD_INSTALL)
  say("not reached", peek(m))
end
function advised_child(at)
  if peek(at) ~= 0 or peek(at + 4096) ~= 5 then return 1 end
  peek(at + 8192)  -- not mapped
  return 2
end

cases.zero_page_is_shared = {
  about = "what was read or sent before the first store stays zero",
  source = "vmsplice of memory that was never written",
}
function zero_page_is_shared()
  local m, buffer = memory(8192), memory(4096)
  local r, w = pipe()
  say("vmsplice", vmsplice(w, m, 10, 0))
  say("byte", peek(m + 4096))
  fill(m, 9, 8192)
  say("read", read(r, buffer, 4096))
  say("pipe, memory", peek(buffer), peek(m), peek(m + 4096))
  say("populated", vmsplice(w, map(4096, PROT_WRITE, ANONYMOUS | MAP_POPULATE), 1, 0))
  say("untouched", vmsplice(w, map(4096, PROT_WRITE, ANONYMOUS), 1, 0))
end

local function sparse_on_a_full_disk(m)
  local sparse, r, w = open(".", O_TMPFILE | O_RDWR, OWN), pipe()
  ftruncate(sparse, 65536)
  say("sparse", pwrite(sparse, m, 4096, 8192))
  say("data", lseek(sparse, 0, SEEK_DATA))
  write(w, m, 8192)
  say("splice", splice(r, nil, sparse, nil, 8192, 0))
  say("left", read(r, m, 65536))
  return sparse
end

cases.full_disk_writes = {
  about = "what works and what does not when no block is free",
  source = "databases on a full disk",
  a = 8192,
  c = 10,
  disk = "small",
}
function full_disk_writes()
  local file, filler, last, m = open("a", O_RDWR), open("b", O_RDWR), open("c", O_RDWR), memory(MiB)
  fill(m, 1, MiB)
  fill_disk(filler, m)
  say("over", pwrite(file, m, 8192, 0))
  say("behind", pwrite(file, m, 1, 8192))
  say("append", pwrite(last, m, 4096, 10))
  say("size", fstat(last).size)
  say("grow", ftruncate(file, MiB))
  say("shrink", ftruncate(filler, MiB))
  say("again", pwrite(file, m, 100000, 8192))
  fill_disk(filler, m)
  local sparse = sparse_on_a_full_disk(m)
  for _, flags in ipairs({ MAP_SHARED, MAP_PRIVATE }) do fill(map(8192, READ_WRITE, flags, file), 2, 8192) end
  say("fsync", fsync(file))
  local hole = map(65536, READ_WRITE, MAP_SHARED, sparse)
  say("populate", madvise(hole, 4096, MADV_POPULATE_WRITE))
  say("read into it", pread(file, hole + 4096, 10, 0))
  fill(hole, 1, 1)
  say("not reached")
end

cases.mprotect_rules = { about = "protection of parts, gaps, and of a file not open for writing", source = "mprotect(2)", a = 8192 }
function mprotect_rules()
  local m = memory(4 * 4096)
  fill(m, 5, 4 * 4096)
  say("part", mprotect(m + 4096, 4096, PROT_READ))
  say("read", peek(m + 4096))
  say("nobody", mprotect(m, 8192, PROT_NONE))
  say("kernel", write(select(2, pipe()), m, 1))
  say("again", mprotect(m, 4 * 4096, READ_WRITE))
  fill(m + 4096, 6, 1)
  say("bytes", peek(m), peek(m + 4096), peek(m + 4097))
  munmap(m + 8192, 4096)
  say("gap", mprotect(m + 4096, 3 * 4096, PROT_READ))
  say("misaligned", mprotect(m + 1, 4096, PROT_READ))
  say("unknown", mprotect(m, 4096, 64))
  local file = map(8192, PROT_READ, MAP_SHARED, (open("a", O_RDONLY)))
  say("read-only file", mprotect(file, 4096, READ_WRITE))
  say("private", mprotect(map(4096, PROT_READ, MAP_PRIVATE, (open("a", O_RDONLY))), 4096, READ_WRITE))
  fill(m + 4096, 1, 1)
  say("not reached")
end

cases.mremap_grows = { about = "realloc of large blocks: grow, shrink, move, not unmap", source = "mremap(2)", a = 65536 }
function mremap_grows()
  local m = memory(16 * 4096)
  fill(m, 5, 16 * 4096)
  say("shrink", mremap(m, 16 * 4096, 4 * 4096, 0) == m)
  say("grow", mremap(m, 4 * 4096, 8 * 4096, 0) == m)
  say("bytes", peek(m), peek(m + 3 * 4096), peek(m + 4 * 4096))
  local far = mremap(m, 8 * 4096, MiB, MREMAP_MAYMOVE)
  say("moved", far ~= nil, peek(far), peek(far + 4 * 4096))
  local left = mremap(far, 4096, 4096, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0)
  say("left", peek(left), peek(far))
  say("private twice", mremap(far, 0, 4096, MREMAP_MAYMOVE))
  local file = map(65536, READ_WRITE, MAP_SHARED, (open("a", O_RDWR)))
  fill(file, 9, 10)
  say("shared twice", peek(mremap(file, 0, 4096, MREMAP_MAYMOVE)))
  say("onto itself", mremap(file, 0, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, file))
  say("bad", mremap(far, 4096, 4096, 8), (mremap(far + 1, 4096, 4096, 0)))
end

cases.mincore_tells = { about = "pages of memory and of a file that are resident", source = "vmtouch", a = 65536 }
function mincore_tells()
  local m = memory(4 * 4096)
  fill(m + 4096, 1, 1)
  say("own", table.concat(mincore(m, 4 * 4096), " "))
  local file = map(65536, PROT_READ, MAP_SHARED, (open("a", O_RDWR)))
  say("file", table.concat(mincore(file, 65536), " "))
  munmap(m + 4096, 4096)
  say("gap", mincore(m, 8192))
end
