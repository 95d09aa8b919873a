-- Pipes, splice, tee and vmsplice.
cases = {}

cases.splice_full = {
  about = "splice of a file to a pipe: a pipeful, then EAGAIN",
  source = "kklis/proxy#4 3proxy#366",
  a = 200000,
}
function splice_full()
  local file, _, w = open("a", O_RDONLY), pipe()
  say("first", splice(file, nil, w, nil, 200000, 0))
  say("second", splice(file, nil, w, nil, 200000, SPLICE_F_NONBLOCK))
  say("position", lseek(file, 0, SEEK_CUR))
end

cases.splice_full_blocks = {
  about = "a second splice without NONBLOCK never returns",
  source = "kklis/proxy#4 IronTraffic#186",
  a = 200000,
}
function splice_full_blocks()
  local file, _, w = open("a", O_RDONLY), pipe()
  splice(file, nil, w, nil, 200000, 0)
  say("not reached", splice(file, nil, w, nil, 1, 0))
end

cases.splice_unaligned = {
  about = "17 pages touch, 16 slots: what an unaligned splice moves",
  source = "splice of an unaligned file offset",
  a = 200000,
}
function splice_unaligned()
  local file, _, w = open("a", O_RDONLY), pipe()
  local moved, offset = splice(file, 100, w, nil, 200000, SPLICE_F_NONBLOCK)
  say("first", moved, offset)
  say("larger", fcntl(w, F_SETPIPE_SZ, MiB))
  say("more", splice(file, offset, w, nil, 200000, SPLICE_F_NONBLOCK))
end

cases.splice_loss = { about = "a splice that fails must leave its bytes in the pipe", source = "gvisor#565" }
function splice_loss()
  local m, to = memory(4096), connected_pair()
  local r, w = pipe()
  write(w, m, 100)
  say("to read-only", splice(r, nil, open("a", O_RDONLY), nil, 100, 0))
  fill_socket(to, m)
  say("to full socket", splice(r, nil, to, nil, 100, SPLICE_F_NONBLOCK))
  say("left", read(r, m, 4096))
end

cases.vm_reuse = {
  about = "a buffer changed after vmsplice: the reader sees the new bytes",
  source = "uutils#7625 vmsplice(2)",
}
function vm_reuse()
  local m, buffer = memory(8192), memory(8192)
  local r, w = pipe()
  fill(m, 1, 4096)
  say("vmsplice", vmsplice(w, m, 4096, 0))
  fill(m, 2, 4096)
  read(r, buffer, 4096)
  say("byte", peek(buffer))
end

cases.vm_unmap = { about = "munmap after vmsplice leaves the old bytes", source = "uutils#7625" }
function vm_unmap()
  local m, buffer = memory(8192), memory(8192)
  local r, w = pipe()
  fill(m, 1, 8192)
  vmsplice(w, m, 8192, SPLICE_F_GIFT)
  munmap(m, 8192)
  fill(memory(8192), 7, 8192)
  read(r, buffer, 8192)
  say("byte", peek(buffer + 5000))
end

cases.vm_read_end = { about = "vmsplice from a pipe's read end copies to memory", source = "vmsplice(2)" }
function vm_read_end()
  local m, buffer = memory(4096), memory(4096)
  local r, w = pipe()
  fill(m, 3, 10)
  write(w, m, 10)
  say("vmsplice", vmsplice(r, buffer, 4096, 0))
  say("byte", peek(buffer + 9))
  say("no pipe", vmsplice(open("a", O_RDWR), m, 10, 0))
end

cases.file_changed_after_splice = {
  about = "a file overwritten after splice: the pipe shows the new bytes",
  source = "systemd#29044 lkml 2023",
  a = 8192,
}
function file_changed_after_splice()
  local file, m, buffer = open("a", O_RDWR), memory(8192), memory(8192)
  local r, w = pipe()
  local client, server = connected_pair()
  fill(m, 77, 8192)
  splice(file, 0, w, nil, 4096, 0)
  sendfile(client, file, 4096, 4096)
  pwrite(file, m, 8192, 0)
  read(r, buffer, 4096)
  say("pipe", peek(buffer))
  recv(server, buffer, 4096, MSG_WAITALL)
  say("socket", peek(buffer))
end

cases.pipe_sizes = {
  about = "F_SETPIPE_SZ: rounding and refusals",
  source = "util-linux#3692 criu-image-streamer#13 os-autoinst#2989",
}
function pipe_sizes()
  local m, r, w = memory(65536), pipe()
  for _, size in ipairs({ 30000, 0, 1, 5000, 1048576, 1048577, 2147483647, 2147483648, -1 }) do
    say("set " .. size, fcntl(w, F_SETPIPE_SZ, size))
  end
  say("get", fcntl(r, F_GETPIPE_SZ))
  fcntl(w, F_SETPIPE_SZ, 65536)
  write(w, m, 10000)
  say("shrink", fcntl(w, F_SETPIPE_SZ, 4096))
  say("on a file", fcntl((open("a", O_RDWR)), F_GETPIPE_SZ))
end

cases.pipe_direct = { about = "O_DIRECT pipe: packets", source = "LTP#625 pipe2(2)" }
function pipe_direct()
  local m, r, w = memory(8192), must(pipe(O_DIRECT | O_NONBLOCK))
  write(w, m, 10)
  write(w, m, 20)
  say("read", read(r, m, 4096))
  say("short", read(r, m, 5))
  say("rest", read(r, m, 4096))
end

cases.tee_rules = {
  about = "tee leaves its source, takes what fits, refuses one pipe twice",
  source = "LTP tee01/tee02",
}
function tee_rules()
  local m, r, w = memory(65536), pipe()
  local to_r, to_w = pipe()
  write(w, m, 10000)
  say("tee", tee(r, to_w, 65536, 0))
  say("again", tee(r, to_w, 65536, 0))
  say("source", read(r, m, 65536))
  say("target", read(to_r, m, 65536))
  say("same", tee(r, w, 10, 0))
  say("file", tee(open("a", O_RDWR), w, 10, 0))
  say("empty", tee(r, to_w, 10, SPLICE_F_NONBLOCK))
  close(w)
  say("end", tee(r, to_w, 10, 0))
end

cases.pipe_sigpipe = {
  about = "write and splice to a pipe without readers",
  source = "coreutils yes / Node EPIPE",
  a = 100,
}
function pipe_sigpipe()
  local r, w = pipe()
  close(r)
  say("poll", polled(w, POLLOUT))
  say("not reached", splice(open("a", O_RDONLY), nil, w, nil, 10, 0))
end

cases.vmsplice_file_map = {
  about = "a page of a file mapping through a pipe; then the file changes",
  source = "vmsplice of a mapped file (uutils cat, libkcapi#162)",
  a = 8192,
}
function vmsplice_file_map()
  local file, buffer = open("a", O_RDWR), memory(8192)
  local m = map(8192, PROT_READ, MAP_SHARED, file)
  local r, w = pipe()
  say("vmsplice", vmsplice(w, m + 10, 5000, SPLICE_F_GIFT))
  fill(buffer, 200, 8192)
  pwrite(file, buffer, 8192, 0)
  fill(buffer, 0, 8192)
  say("read", read(r, buffer, 8192))
  say("byte", peek(buffer))
end

cases.splice_file_file = {
  about = "file, pipe, file with offsets; the target grows",
  source = "cp by splice (fcat, coreutils)",
  a = 100000,
  b = 10,
}
function splice_file_file()
  local from, to, r, w = open("a", O_RDONLY), open("b", O_RDWR), pipe()
  local moved, at, written, n = 0, 1, 5, nil
  repeat
    n, at = must(splice(from, at, w, nil, MiB, 0))
    while n > 0 do
      local k, _, offset = must(splice(r, nil, to, written, n, SPLICE_F_MOVE))
      n, moved, written = n - k, moved + k, offset
    end
  until at >= 100000
  say("end", splice(from, at, w, nil, MiB, 0))
  say("moved, size", moved, fstat(to).size)
  say("offset, position", written, lseek(to, 0, SEEK_CUR))
end

cases.pipe_packets = {
  about = "packets are split at pages, kept apart, cut by short reads, and pass through splice and tee",
  source = "pipe2(2) O_DIRECT",
  a = 10000,
}
function pipe_packets()
  local m, r, w = memory(65536), must(pipe(O_DIRECT | O_NONBLOCK))
  local to_r, to_w = pipe(O_NONBLOCK)
  say("write", write(w, m, 9000))
  for _, size in ipairs({ 65536, 100, 65536, 65536 }) do say("read", read(r, m, size)) end
  for _, size in ipairs({ 10, 20 }) do write(w, m, size) end
  say("tee", tee(r, to_w, 65536, 0))
  say("splice", splice(r, nil, to_w, nil, 15, 0))
  for _ = 1, 5 do say("through", read(to_r, m, 8)) end
  say("left", read(r, m, 65536))
  for _, size in ipairs({ 10, 20 }) do write(w, m, size) end
  say("vmsplice", vmsplice(r, m, 15, SPLICE_F_NONBLOCK))
  say("then", read(r, m, 65536))
end

cases.pipe_becomes_direct = {
  about = "a pipe that is made one of packets while bytes are in it; a file spliced into it",
  source = "pipe2(2) O_DIRECT",
  a = 10000,
}
function pipe_becomes_direct()
  local m, r, w = memory(65536), pipe(O_NONBLOCK)
  write(w, m, 100)
  say("set", fcntl(w, F_SETFL, O_DIRECT | O_NONBLOCK))
  for _, size in ipairs({ 200, 300 }) do write(w, m, size) end
  for _ = 1, 3 do say("mixed", read(r, m, 65536)) end
  say("splice", splice(open("a", O_RDONLY), nil, w, nil, 5000, 0))
  say("file", read(r, m, 65536))
end

cases.pipe_unreadable_tail = {
  about = "a write that cannot be read, to a full pipe whose last page has room",
  source = "write(2) EFAULT",
}
function pipe_unreadable_tail()
  local m, _, w = memory(65536), pipe(O_NONBLOCK)
  say("fill", write(w, m, 61810))
  say("bad", write(w, 4096, 1))
  say("good", write(w, m, 1))
  say("page", write(w, 4096, 4096))
end

cases.pipe_of_truncated_file = {
  about = "pages in a pipe whose file shrinks and grows again",
  source = "splice(2) NOTES",
  a = 8192,
  b = 5000,
}
function pipe_of_truncated_file()
  local file, other, m, r, w = open("a", O_RDWR), open("b", O_RDWR), memory(8192), pipe()
  fill(m, 200, 8192)
  say("splice", splice(file, nil, w, nil, 8192, 0))
  say("shorter", ftruncate(file, 4096))
  say("append", pwrite(file, m, 1, 4096))
  say("read", read(r, m, 8192))
  say("bytes", peek(m + 4096), peek(m + 4097))
  local last = map(8192, PROT_READ | PROT_WRITE, MAP_SHARED, other)
  fill(last + 5000, 9, 10)
  say("vmsplice", vmsplice(w, last + 4096, 4096, 0))
  open("b", O_WRONLY | O_TRUNC)
  say("read", read(r, m, 8192))
  say("bytes", peek(m + 903), peek(m + 904))
end
