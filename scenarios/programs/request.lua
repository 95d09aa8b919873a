-- A keep-alive server and its client: for each request the server answers with a header of 200 bytes and a file.
-- a.send_with: sendfile or write; a.cure: none, more, cork or nodelay; a.requests: how many.

local HEADER, REQUEST, PORT = 200, 100, "127.0.0.1:8080"

local function receive(connection, buffer, size)
  local got = 0
  while got < size do
    local n = must(recv(connection, buffer, size - got, 0))
    if n == 0 then return false end
    got = got + n
  end
  return true
end

local function answer(connection, file, size, buffer, a)
  if a.cure == "cork" then must(setsockopt(connection, IPPROTO_TCP, TCP_CORK, 1)) end
  must(send(connection, buffer, HEADER, a.cure == "more" and MSG_MORE or 0))
  local sent = 0
  while sent < size do
    if a.send_with == "sendfile" then
      local n = must(sendfile(connection, file, sent, size - sent))
      sent = sent + n
    else
      local n = must(pread(file, buffer, math.min(size - sent, 64 * KiB), sent))
      must(send(connection, buffer, n, 0))
      sent = sent + n
    end
  end
  if a.cure == "cork" then must(setsockopt(connection, IPPROTO_TCP, TCP_CORK, 0)) end
end

function server(a)
  local listener = must(socket(AF_INET, SOCK_STREAM, 0))
  must(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, 1))
  must(bind(listener, PORT))
  must(listen(listener, 128))
  local file, buffer = must(open("page", O_RDONLY)), memory(64 * KiB)
  local size = fstat(file).size
  local connection = must(accept(listener))
  if a.cure == "nodelay" then must(setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, 1)) end
  measure("answers", function()
    while receive(connection, buffer, REQUEST) do answer(connection, file, size, buffer, a) end
  end)
end

function client(a)
  local size = fstat(must(open("page", O_RDONLY))).size
  local connection, buffer = must(socket(AF_INET, SOCK_STREAM, 0)), memory(64 * KiB)
  while not connect(connection, PORT) do
    close(connection)
    sleep(1000000)
    connection = must(socket(AF_INET, SOCK_STREAM, 0))
  end
  for _ = 1, a.requests do
    local began = clock()
    must(send(connection, buffer, REQUEST, 0))
    must(receive(connection, buffer, HEADER + size))
    sample("answer_ns", clock() - began)
  end
end
