-- Files, and what sendfile makes of them.
cases = {}

local OWN = S_IRUSR | S_IWUSR  -- the mode of files that are made

cases.sf_beyond_eof = {
  about = "sendfile asked for more than the file has: short, then 0",
  source = "crystal#17276 proftpd#591 dune#15554",
  a = 5,
}
function sf_beyond_eof()
  local file, to = open("a", O_RDONLY), connected_pair()
  say("first, offset", sendfile(to, file, 0, 10))
  say("second, offset", sendfile(to, file, 5, 5))
end

cases.sf_count0 = { about = "sendfile of 0 bytes", source = "nuttx#9576", a = 100 }
function sf_count0()
  local file, to = open("a", O_RDONLY), connected_pair()
  say("nothing", sendfile(to, file, 7, 0))
  say("past the end", sendfile(to, file, 500, 10))
end

cases.sf_append = {
  about = "sendfile and splice to an O_APPEND file",
  source = "graphene#1967 fcat#10 liburing#291",
  a = 100,
  b = 10,
}
function sf_append()
  local file, to = open("a", O_RDONLY), open("b", O_WRONLY | O_APPEND)
  say("sendfile", sendfile(to, file, nil, 10))
  local r, w = pipe()
  splice(file, nil, w, nil, 10, 0)
  say("splice", splice(r, nil, to, nil, 10, 0))
  must(fcntl(to, F_SETFL, 0))
  say("cleared", splice(r, nil, to, nil, 10, 0))
  must(fcntl(w, F_SETFL, O_APPEND))
  say("pipe that appends", splice(open("a", O_RDONLY), nil, w, nil, 10, SPLICE_F_NONBLOCK))
end

cases.sf_args = {
  about = "offsets, positions and descriptors of sendfile",
  source = "LTP sendfile02/03/05/06/08",
  a = 26,
}
function sf_args()
  local file, to = open("a", O_RDONLY), open("b", O_WRONLY)
  say("negative", sendfile(to, file, -1, 1))
  say("from 2", sendfile(to, file, 2, 24))
  say("positions", lseek(file, 0, SEEK_CUR), lseek(to, 0, SEEK_CUR))
  say("no offset", sendfile(to, file, nil, 26))
  say("position", lseek(file, 0, SEEK_CUR))
  say("to read-only", sendfile(open("b", O_RDONLY), file, nil, 1))
  say("from write-only", sendfile(to, open("a", O_WRONLY), nil, 1))
  say("from nothing", sendfile(to, -1, nil, 1))
  say("from a folder", sendfile(to, open(".", O_RDONLY | O_DIRECTORY), nil, 1))
end

cases.sf_nonblock_pipe = {
  about = "sendfile to a pipe that is full",
  source = "Linux 5.12 sendfile to pipe; Go #59041",
  a = 200000,
}
function sf_nonblock_pipe()
  local file, _, w = open("a", O_RDONLY), pipe(O_NONBLOCK)
  say("first", sendfile(w, file, nil, 200000))
  say("second", sendfile(w, file, nil, 200000))
  say("position", lseek(file, 0, SEEK_CUR))
end

cases.seek_hole = {
  about = "SEEK_DATA and SEEK_HOLE in a sparse file",
  source = "rsync/cp sparse copying, lseek(2)",
  b = 4096,
}
function seek_hole()
  local file, m = open("a", O_RDWR), memory(4096)
  fill(m, 1, 4096)
  ftruncate(file, MiB)
  pwrite(file, m, 4096, 512 * KiB)
  fsync(file)
  say("data", lseek(file, 0, SEEK_DATA))
  say("hole", lseek(file, 512 * KiB, SEEK_HOLE))
  say("past the end", lseek(file, 2 * MiB, SEEK_DATA))
end

cases.o_direct_write = { about = "O_DIRECT writes", source = "MySQL innodb_flush_method" }
function o_direct_write()
  local file, m = open("a", O_RDWR | O_DIRECT), memory(16 * KiB)
  say("aligned", pwrite(file, m, 4096, 0))
  say("odd", pwrite(file, m, 1000, 4096))
  say("cleared", fcntl(file, F_SETFL, 0))
  say("then odd", pwrite(file, m, 1000, 4096))
end

cases.dirty_sync = {
  about = "O_SYNC, O_DSYNC, O_TMPFILE, O_PATH, O_NOATIME opens and fsync of odd descriptors",
  source = "MySQL/Kafka fsync, sync flags",
  a = 10,
}
function dirty_sync()
  local function try(name, path, flags) say(name, succeeded(open(path, flags, OWN))) end
  try("sync", "a", O_WRONLY | O_SYNC)
  try("dsync", "a", O_WRONLY | O_DSYNC)
  try("tmpfile", ".", O_RDWR | O_TMPFILE)
  try("noatime", "a", O_RDONLY | O_NOATIME)
  try("path", "a", O_PATH)
  try("trunc", "b", O_WRONLY | O_TRUNC)
  try("excl", "a", O_CREAT | O_EXCL | O_WRONLY)
  local r = pipe()
  say("fsync pipe", fsync(r))
  say("fadvise pipe", posix_fadvise(r, 0, 0, POSIX_FADV_DONTNEED))
end

cases.sf_readahead_pos = {
  about = "sendfile with SEQUENTIAL, RANDOM, WILLNEED, NOREUSE, DONTNEED advice before",
  source = "readahead(2), nginx aio",
  a = 1 * MiB,
}
function sf_readahead_pos()
  local file = open("a", O_RDONLY)
  for advice = 0, 6 do say("advice " .. advice, posix_fadvise(file, 0, 0, advice)) end
  say("bad descriptor", posix_fadvise(99, 0, 0, 0))
  say("negative", posix_fadvise(file, 0, -1, 0))
end

cases.sparse_send = {
  about = "sendfile of a hole gives zeroes, full count",
  source = "rsync/qemu sparse images by sendfile",
}
function sparse_send()
  local file, m = open("a", O_RDWR), memory(16 * KiB)
  ftruncate(file, 20000)
  local r, w = pipe()
  say("sent", sendfile(w, file, 5000, 10000))
  fill(m, 1, 16 * KiB)
  say("read", read(r, m, 16 * KiB))
  say("bytes", peek(m), peek(m + 9999))
end

cases.poll_odd = { about = "closed, negative and file descriptors", source = "poll(2)", a = 100 }
function poll_odd()
  say("file", polled(open("a", O_RDONLY), POLLIN | POLLOUT))
  say("closed", polled(77, POLLIN))
  say("negative", polled(-1, POLLIN))
end

cases.file_limit = {
  about = "descriptors run out: pipe and accept",
  source = "EMFILE (nginx worker_rlimit_nofile)",
  a = 10,
}
function file_limit()
  local n, _, error = 0, open("a", O_RDONLY)
  while not error do
    n, _, error = n + 1, open("a", O_RDONLY)
  end
  say("opened", n, error)
  say("pipe", pipe())
  close(5)
  say("pipe with one left", pipe())
  say("dup", dup(0))
  say("again", dup(0))
end

cases.min_sparse_past = {
  about = "SEEK_DATA of a file that is one hole is ENXIO",
  source = "juicefs#2637 libtorrent#6738",
}
function min_sparse_past()
  local file = open("a", O_RDWR)
  ftruncate(file, 8192)
  say("data", lseek(file, 0, SEEK_DATA))
  say("hole", lseek(file, 0, SEEK_HOLE))
end

local FILE_SYNC, UNNAMED = O_SYNC & ~O_DSYNC, O_TMPFILE & ~O_DIRECTORY
local FLAGS_OF_A_FILE = {
  O_NOFOLLOW, O_NOATIME, O_ASYNC, O_NOCTTY, O_ACCMODE, 0x40000000, O_SYNC | O_RDWR, FILE_SYNC, O_DSYNC, O_EXCL,
  O_DIRECT | O_NONBLOCK, O_PATH, O_PATH | O_RDWR | O_TRUNC | O_CREAT, O_PATH | O_DIRECTORY, O_TMPFILE | O_RDWR,
  UNNAMED | O_RDWR, O_CREAT | O_DIRECTORY,
}
local FLAGS_OF_A_FOLDER = {
  O_PATH | O_DIRECTORY, O_DIRECT, O_APPEND, O_EXCL, O_CREAT, O_ACCMODE, O_TMPFILE | O_RDWR, O_TMPFILE | O_WRONLY,
  O_TMPFILE, O_TMPFILE | O_RDWR | O_EXCL, O_TMPFILE | O_RDWR | O_CREAT, UNNAMED | O_RDWR,
}

cases.open_flags_show = {
  about = "which flags of open are refused, dropped or shown",
  source = "open(2), F_GETFL",
  a = 100,
}
function open_flags_show()
  local function try(path, flags)
    local file, error = open(path, flags, OWN)
    say(path .. " " .. hex(flags), file and hex(must(fcntl(file, F_GETFL))) or error)
    if file then must(close(file)) end
  end
  for _, flags in ipairs(FLAGS_OF_A_FILE) do try("a", flags) end
  for _, flags in ipairs(FLAGS_OF_A_FOLDER) do try(".", flags) end
  for _, path in ipairs({ "none", "", "a/b", "none/b" }) do try(path, O_TMPFILE | O_RDWR) end
  try("none", O_PATH | O_CREAT)
end

cases.path_is_no_file = { about = "a descriptor that only names a file", source = "open(2) O_PATH", a = 100 }
function path_is_no_file()
  local path, file, m = open("a", O_PATH), open("a", O_RDWR), memory(4096)
  say("read, write", answer(read(path, m, 1)), answer(write(path, m, 1)))
  say("lseek", lseek(path, 0, SEEK_SET))
  say("size", fstat(path).size)
  say("ftruncate, fsync", answer(ftruncate(path, 1)), answer(fsync(path)))
  say("fadvise", posix_fadvise(path, 0, 0, 0))
  say("setfl, getfd", answer(fcntl(path, F_SETFL, O_APPEND)), answer(fcntl(path, F_GETFD)))
  say("pipe size", fcntl(path, F_GETPIPE_SZ))
  say("mmap", map(4096, PROT_READ, MAP_SHARED, path))
  say("sendfile", sendfile(file, path, nil, 1))
  say("poll", polled(path, POLLIN))
  say("dup", dup(path))
  say("dupfd, close", answer(fcntl(path, F_DUPFD, 0)), answer(close(path)))
end

local COMMANDS = { F_GETFD, F_GETOWN, F_GETSIG, F_GETLEASE, F_GETPIPE_SZ, 12, 19, 1029, 99 }

cases.fcntl_commands = {
  about = "commands and changeable flags of files, directories, pipes and sockets",
  source = "fcntl(2)",
  a = 100,
}
function fcntl_commands()
  local r, w = pipe()
  for _, fd in ipairs({ open("a", O_RDWR), open(".", O_RDONLY), r, w, (socket(AF_INET, SOCK_STREAM, 0)) }) do
    for _, flags in ipairs({ O_DIRECT, O_ASYNC, O_NOATIME, O_APPEND | O_NONBLOCK, O_SYNC | O_RDWR, 0 }) do
      say("set " .. hex(flags), fcntl(fd, F_SETFL, flags))
      say("shows", fcntl(fd, F_GETFL))
    end
    for _, command in ipairs(COMMANDS) do say("command " .. command, fcntl(fd, command, 0)) end
    say("setfd, getfd", answer(fcntl(fd, F_SETFD, FD_CLOEXEC)), answer(fcntl(fd, F_GETFD)))
  end
  local copy = must(fcntl(r, F_DUPFD_CLOEXEC, 20))
  say("copy, getfd", copy, fcntl(copy, F_GETFD))
  say("dup3, getfd", answer(dup3(r, 30, O_CLOEXEC)), fcntl(30, F_GETFD))
  say("same, odd", answer(dup3(r, r, 0)), answer(dup3(r, 31, O_NONBLOCK)))
  say("far", dup3(r, 400, 0))
end

cases.unnamed_file = {
  about = "a file without a name, shared with a child, gone at the end",
  source = "open(2) O_TMPFILE, sqlite/systemd temporary files",
  disk = "small",
}
function unnamed_file()
  local m = memory(MiB)
  fill(m, 7, MiB)
  for i = 1, 40 do  -- more than the disk holds
    local file = must(open(".", O_TMPFILE | O_RDWR, OWN))
    local n, mapped = must(write(file, m, MiB)), must(map(4096, PROT_READ, MAP_SHARED, file, 4096))
    must(close(file))
    if n ~= MiB or peek(mapped) ~= 7 then say("file " .. i, n) end
    must(munmap(mapped, 4096))
  end
  local file = open(".", O_TMPFILE | O_RDWR, OWN)
  local status = fstat(file)
  say("size, mode", status.size, hex(status.mode))
  say("write", write(file, m, 5000))
  say("pread", pread(file, m, 100, 4950))
end

cases.last_blocks_for_any_file = {
  about = "blocks set aside for one growing file are there for another when the disk is full",
  source = "ENOSPC",
  disk = "small",
}
function last_blocks_for_any_file()
  local file, filler, other, m = open("a", O_RDWR), open("b", O_RDWR), open("c", O_RDWR), memory(MiB)
  fill_disk(filler, m)
  ftruncate(filler, lseek(filler, 0, SEEK_END) - 64 * 4096)
  say("first", write(file, m, 4096))
  say("rest", write(other, m, MiB))
  say("none", write(file, m, 1))
end
