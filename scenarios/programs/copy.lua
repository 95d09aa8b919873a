-- Copies the file "source" to the file "copy" in chunks of a.chunk bytes, in one of the ways that Linux has: a.way is
-- read_write, sendfile, splice, copy_file_range or mmap.

local ways = {}

function ways.read_write(from, to, size, chunk)
  local buffer = memory(chunk)
  local left = size
  while left > 0 do
    local n = must(read(from, buffer, math.min(chunk, left)))
    must(write(to, buffer, n))
    left = left - n
  end
end

function ways.sendfile(from, to, size, chunk)
  local left = size
  while left > 0 do left = left - must(sendfile(to, from, nil, math.min(chunk, left))) end
end

function ways.splice(from, to, size, chunk)
  local r, w = must(pipe())
  fcntl(w, F_SETPIPE_SZ, math.min(chunk, MiB))
  local left = size
  while left > 0 do
    local n = must(splice(from, nil, w, nil, math.min(chunk, left), 0))
    left = left - n
    while n > 0 do n = n - must(splice(r, nil, to, nil, n, 0)) end
  end
end

function ways.copy_file_range(from, to, size, chunk)
  local left = size
  while left > 0 do left = left - must(copy_file_range(from, nil, to, nil, math.min(chunk, left))) end
end

function ways.mmap(from, to, size, chunk)
  local at = must(mmap(0, size, PROT_READ, MAP_SHARED, from, 0))
  local done = 0
  while done < size do done = done + must(write(to, at + done, math.min(chunk, size - done))) end
  munmap(at, size)
end

function main(a)
  local from, to = must(open("source", O_RDONLY)), must(open("copy", O_WRONLY | O_CREAT | O_TRUNC, 420))
  local size = fstat(from).size
  measure("copy", ways[a.way], from, to, size, a.chunk)
  check(fstat(to).size == size, "the copy is as long as its source")
end
