-- What cases share. The runner puts this text behind each file of cases.

-- Says what calls gave back: "what 5", or "what EAGAIN".
function say(what, ...)
  local line = { what }
  for i = 1, select("#", ...) do
    local value = select(i, ...)
    if value ~= nil then line[#line + 1] = tostring(value) end
  end
  print(table.concat(line, " "))
end

-- The time from `began` to now. The two kernels may differ by a margin.
function took(what, began) print(string.format("~%s %.1f ms", what, (clock() - began) / 1e6)) end

-- One value for what a call gave back, for a line that says several.
function answer(value, error) return value or error end

-- 0 for whatever a call gave back that succeeded.
function succeeded(value, error)
  if value then return 0 end
  return nil, error
end

function hex(number) return string.format("0x%x", number) end

-- What poll finds of one descriptor.
function polled(fd, events, timeout_ms)
  local entries = { { fd = fd, events = events } }
  must(poll(entries, timeout_ms or 0))
  return hex(entries[1].revents)
end

function map(size, protection, flags, fd, offset) return mmap(0, size, protection, flags, fd or -1, offset or 0) end

-- Two connected TCP sockets over the loopback device.
function connected_pair(receive_buffer)
  local listener = must(socket(AF_INET, SOCK_STREAM, 0))
  if receive_buffer then must(setsockopt(listener, SOL_SOCKET, SO_RCVBUF, receive_buffer)) end
  must(bind(listener, "127.0.0.1:0"))
  must(listen(listener, 1))
  local client = must(socket(AF_INET, SOCK_STREAM, 0))
  must(connect(client, must(getsockname(listener))))
  local server = must(accept(listener))
  must(close(listener))
  return client, server
end

-- The same, where nothing waits for an acknowledgement.
function quick_pair(receive_buffer)
  local client, server = connected_pair(receive_buffer)
  for _, fd in ipairs({ client, server }) do must(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, 1)) end
  return client, server
end

-- Sends until the socket takes no byte more.
function fill_socket(fd, buffer)
  must(fcntl(fd, F_SETFL, O_NONBLOCK))
  for _, size in ipairs({ 4096, 1 }) do
    while send(fd, buffer, size, 0) do end
  end
end

-- Writes to the file until no block is free. `buffer` has 1 MiB.
function fill_disk(fd, buffer)
  for _, size in ipairs({ MiB, 4096 }) do
    while write(fd, buffer, size) do end
  end
end

-- For the runner: each case in a line, its parts apart by tabs.
function list_cases()
  for id, case in pairs(cases) do
    print(id, case.source, case.about, case.a or 0, case.b or 0, case.c or 0, case.disk or "", case.differs or "")
  end
end
