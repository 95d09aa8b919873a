-- Bytes through a pipe from one process to another, in messages of a.message bytes. a.way says how they get in and out:
-- write_read, vmsplice_read (the pipe holds the writer's pages) or vmsplice_splice (and passes them on to a file).

function writer(w, a)
  local buffer = memory(a.message)
  fill(buffer, 65, a.message)
  local left = a.bytes
  while left > 0 do
    local n = math.min(a.message, left)
    left = left - must(a.way == "write_read" and write(w, buffer, n) or vmsplice(w, buffer, n, 0))
  end
end

function main(a)
  local r, w = must(pipe())
  fcntl(w, F_SETPIPE_SZ, MiB)
  must(fork("writer", w, a))
  close(w)
  local buffer, sink = memory(a.message), must(open("sink", O_WRONLY))
  measure("pipe", function()
    local left = a.bytes
    while left > 0 do
      local n
      if a.way == "vmsplice_splice" then
        n = must(splice(r, nil, sink, nil, a.message, SPLICE_F_MOVE))
      else
        n = must(read(r, buffer, a.message))
      end
      if n == 0 then break end
      left = left - n
    end
    check(left == 0, "every byte came")
  end)
  wait()
end
