-- TCP over the loopback device.
cases = {}

local REQUEST, HEADER = 100, 200

-- A keep-alive service: per request the client sends 100 bytes, the server a header of 200 bytes and then the file a.
local function receive(fd, buffer, size, at_once)
  local got = 0
  while got < size do
    local n = must(recv(fd, buffer, at_once, 0))
    if n == 0 then return false end
    got = got + n
  end
  return true
end

function requesting_child(client, server, answer_size, requests)
  close(client)
  local m = memory(MiB)
  for _ = 1, requests do
    must(send(server, m, REQUEST, 0))
    if not receive(server, m, answer_size, MiB) then return 2 end
  end
end

local function send_answer(fd, file, size, header, cure)
  if cure == "cork" then setsockopt(fd, IPPROTO_TCP, TCP_CORK, 1) end
  must(send(fd, header, HEADER, cure == "more" and MSG_MORE or 0))
  local sent, n = 0, nil
  while sent < size do
    n, sent = must(sendfile(fd, file, sent, size - sent))
    if n == 0 then break end
  end
  if cure == "cork" then setsockopt(fd, IPPROTO_TCP, TCP_CORK, 0) end
end

local function serve(size, requests, cure)
  local client, server = connected_pair()
  if cure == "nodelay" then setsockopt(client, IPPROTO_TCP, TCP_NODELAY, 1) end
  local file, m, began = open("a", O_RDONLY), memory(4096), nil
  must(fork("requesting_child", client, server, HEADER + size, requests))
  close(server)
  for _ = 1, requests do
    if not receive(client, m, REQUEST, REQUEST) then break end
    began = began or clock()  -- without the start of the child
    send_answer(client, file, size, m, cure)
  end
  local _, how = wait()
  took(cure, began)
  say("client", how)
  close(client)
  close(file)
end

cases.nagle_header = {
  about = "header, then sendfile of 1 KiB, 20 requests keep-alive: 40 ms each unless MORE, CORK or NODELAY",
  source = "Rocket#2062 seastar#968 OpenLiteSpeed#29 restinio#18",
  a = 1024,
}
function nagle_header()
  for _, cure in ipairs({ "no cure", "more", "cork", "nodelay" }) do serve(1024, 20, cure) end
end

cases.nagle_64k = {
  about = "the same with a file of 60 KiB, which is less than the MSS of the loopback device",
  source = "fasthttp#931",
  a = 100000,
}
function nagle_64k() serve(60 * KiB, 10, "no cure") end

cases.nagle_two_writes = {
  about = "plain write+write of 200 and 1024 bytes, one request, time until the second is read",
  source = "http-rs/async-h1#199 memcached-rs#7 tiberius#46",
}
function nagle_two_writes()
  local m, client, server = memory(4096), connected_pair()
  for _ = 1, 3 do
    send(server, m, 100, 0)
    recv(client, m, 100, MSG_WAITALL)
    send(client, m, 200, 0)
    send(client, m, 1000, 0)
    recv(server, m, 200, MSG_WAITALL)
    local began = clock()
    say("poll", polled(server, POLLIN, 1000))
    took("wait", began)
    recv(server, m, 1000, MSG_WAITALL)
  end
end

cases.cork_ceiling = { about = "what is corked goes out after 200 ms", source = "tcp(7), nginx wiki on tcp_nopush" }
function cork_ceiling()
  local m, client, server = memory(4096), connected_pair()
  setsockopt(client, IPPROTO_TCP, TCP_CORK, 1)
  send(client, m, 100, 0)
  say("at once", polled(server, POLLIN))
  local began = clock()
  say("poll", polled(server, POLLIN, 1000))
  took("it took", began)
end

cases.more_ceiling = {
  about = "the last piece with MORE waits 200 ms",
  source = "splice with SPLICE_F_MORE at the end",
  a = 10000,
}
function more_ceiling()
  local client, server = connected_pair()
  local r, w = pipe()
  splice(open("a", O_RDONLY), nil, w, nil, 1000, 0)
  say("out", splice(r, nil, client, nil, 1000, SPLICE_F_MORE))
  local began = clock()
  say("poll", polled(server, POLLIN, 1000))
  took("it took", began)
end

cases.zerocopy_option = {
  about = "SO_ZEROCOPY and MSG_ZEROCOPY; on loopback the completion says COPIED",
  source = "spdk#1340 liburing#801 msg_zerocopy.rst",
}
function zerocopy_option()
  local m, client, server = memory(65536), connected_pair()
  say("flag alone", send(client, m, 1000, MSG_ZEROCOPY))
  say("option", setsockopt(client, SOL_SOCKET, SO_ZEROCOPY, 1))
  say("send", send(client, m, 32768, MSG_ZEROCOPY))
  say("poll", polled(client, POLLIN | POLLOUT, 50))
  recv(server, m, 65536, MSG_WAITALL | MSG_DONTWAIT)
  say("poll after", polled(client, POLLERR, 50))
  local n, flags, record = recvmsg(client, {}, MSG_ERRQUEUE)
  say("record", n, flags == MSG_ERRQUEUE, record.origin == SO_EE_ORIGIN_ZEROCOPY, record.code, record.info, record.data)
  say("nothing more", recvmsg(client, {}, MSG_ERRQUEUE))
end

local OPTIONS = {
  { "REUSEADDR", SOL_SOCKET, SO_REUSEADDR, 1 }, { "REUSEPORT", SOL_SOCKET, SO_REUSEPORT, 1 },
  { "KEEPALIVE", SOL_SOCKET, SO_KEEPALIVE, 1 }, { "RCVLOWAT", SOL_SOCKET, SO_RCVLOWAT, 1 },
  { "PRIORITY", SOL_SOCKET, SO_PRIORITY, 1 }, { "BUSY_POLL", SOL_SOCKET, SO_BUSY_POLL, 0 },
  { "KEEPIDLE", IPPROTO_TCP, TCP_KEEPIDLE, 30 }, { "DEFER_ACCEPT", IPPROTO_TCP, TCP_DEFER_ACCEPT, 1 },
  { "USER_TIMEOUT", IPPROTO_TCP, TCP_USER_TIMEOUT, 1000 }, { "NOTSENT_LOWAT", IPPROTO_TCP, TCP_NOTSENT_LOWAT, 16384 },
  { "QUICKACK", IPPROTO_TCP, TCP_QUICKACK, 1 }, { "FASTOPEN", IPPROTO_TCP, TCP_FASTOPEN, 5 },
  { "MAXSEG", IPPROTO_TCP, TCP_MAXSEG, 1000 }, { "WINDOW_CLAMP", IPPROTO_TCP, TCP_WINDOW_CLAMP, 20000 },
  { "IP_TOS", IPPROTO_IP, IP_TOS, 16 }, { "unknown", IPPROTO_TCP, 9999, 1 },
}

cases.options = { about = "socket options that servers set", source = "nginx/HAProxy/curl/Netty start-up" }
function options()
  local client, server = connected_pair()
  for _, option in ipairs(OPTIONS) do say(option[1], setsockopt(client, table.unpack(option, 2))) end
  close(server)
end

cases.families = {
  about = "AF_UNIX, AF_INET6 and UDP sockets",
  source = "crystal#17276 (UNIXSocket), Samba/Node dual stack",
  differs = "there are no AF_INET6 sockets",
}
function families()
  say("unix", succeeded(socket(AF_UNIX, SOCK_STREAM, 0)))
  say("inet6", succeeded(socket(AF_INET6, SOCK_STREAM, 0)))
  say("udp", succeeded(socket(AF_INET, SOCK_DGRAM, 0)))
  say("flags", succeeded(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)))
end

cases.half_close = { about = "POLLRDHUP and POLLHUP over a half close", source = "HAProxy/Netty half close; poll(2)" }
function half_close()
  local client, server = connected_pair()
  local events = POLLIN | POLLRDHUP | POLLOUT
  shutdown(client, SHUT_WR)
  say("peer", polled(server, events, 20))
  say("self", polled(client, events))
  shutdown(server, SHUT_WR)
  say("both", polled(server, events, 20))
  say("both", polled(client, events, 20))
end

cases.pollout_third = {
  about = "a full non-blocking socket: EAGAIN, no POLLOUT until a third is free",
  source = "nginx/Netty writability; sk_stream_is_writeable",
}
function pollout_third()
  local m, client, server = memory(65536), quick_pair()
  for _, fd in ipairs({ client, server }) do fcntl(fd, F_SETFL, O_NONBLOCK) end
  while send(client, m, 65536, 0) do end
  say("full", send(client, m, 1, 0))
  say("poll", polled(client, POLLOUT))
  while recv(server, m, 65536, 0) or polled(server, POLLIN, 100) ~= hex(0) do end
  say("drained", polled(client, POLLOUT, 50))
end

cases.recv_flags = { about = "MSG_PEEK, MSG_TRUNC, MSG_WAITALL on TCP, MSG_OOB", source = "curl/Samba recv flags" }
function recv_flags()
  local m, client, server = memory(4096), quick_pair()
  send(client, m, 100, 0)
  polled(server, POLLIN, 20)
  say("peek", recv(server, m, 50, MSG_PEEK))
  say("trunc", recv(server, 0, 60, MSG_TRUNC))
  say("rest", recv(server, m, 100, 0))
  say("none", recv(server, m, 100, MSG_DONTWAIT))
  say("oob", send(client, m, 1, MSG_OOB))
  say("errqueue", recv(client, m, 100, MSG_ERRQUEUE | MSG_DONTWAIT))
end

cases.block_sendfile = {
  about = "a blocking sendfile of 8 MiB to a peer that does not read",
  source = "libuv/redis#7096: sendfile to a socket that nobody reads blocks",
  a = 8 * MiB,
}
function block_sendfile()
  say("not reached", sendfile(connected_pair(), open("a", O_RDONLY), nil, 8 * MiB))
end

cases.conn_reset_send = {
  about = "SO_LINGER needs a struct: not in the interface; shutdown then send",
  source = "Go #net 'connection reset by peer' with linger 0",
}
function conn_reset_send()
  local m, client, server = memory(4096), connected_pair()
  shutdown(client, SHUT_WR)
  say("send", send(client, m, 10, MSG_NOSIGNAL))
  say("again", shutdown(client, SHUT_WR))
  send(server, m, 10, 0)
  polled(client, POLLIN, 20)
  say("recv", recv(client, m, 100, 0))
  close(server)
  polled(client, POLLIN | POLLRDHUP, 20)
  say("end", recv(client, m, 100, 0))
  say("shut", shutdown(client, SHUT_RDWR))
end

cases.window_stall = {
  about = "receiver with SO_RCVBUF 4096, 100 kB sent: arrives whole, without 200 ms stalls",
  source = "zero window: HAProxy/nginx slow client",
}
function window_stall()
  local m, client, server = memory(4096), quick_pair(4096)
  must(fork("sending_child", client, server))
  close(client)
  local got, began, n = 0, clock(), nil
  repeat
    n = must(recv(server, m, 1000, 0))
    got = got + n
  until n == 0
  say("got", got)
  took("it took", began)
  say("sender", select(2, wait()))
end
function sending_child(client, server)
  close(server)
  if send(client, memory(100000), 100000, 0) ~= 100000 then return 1 end
end

cases.accept_flags = {
  about = "an accepted socket does not inherit O_NONBLOCK; accept on an empty queue",
  source = "accept4(2), libuv",
}
function accept_flags()
  local listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)
  bind(listener, "127.0.0.1:0")
  listen(listener, 1)
  say("empty", accept(listener))
  must(connect(socket(AF_INET, SOCK_STREAM, 0), (getsockname(listener))))
  local server = must(accept(listener))
  say("flags", fcntl(server, F_GETFL))
end

cases.more_then_close = { about = "MSG_MORE bytes go out when the socket is closed", source = "bitcoin#26844" }
function more_then_close()
  local m, client, server = memory(4096), quick_pair()
  send(client, m, 100, MSG_MORE)
  say("held", polled(server, POLLIN, 5))
  close(client)
  local began = clock()
  say("poll", polled(server, POLLIN, 500))
  took("it took", began)
  say("recv", recv(server, m, 4096, 0))
end

-- The client asks twice; the second answer is two small writes.
local function ask_twice(before_answer)
  local m, client, server = memory(4096), connected_pair()
  for i = 1, 2 do
    send(server, m, 1, 0)
    recv(client, m, 1, 0)
    before_answer(server)
    send(client, m, 1, 0)
    if i == 1 then recv(server, m, 1, 0) end
  end
  send(client, m, 1, 0)
  recv(server, m, 1, 0)
  local began = clock()
  polled(server, POLLIN, 1000)
  took("it took", began)
end

cases.min_pingpong = {
  about = "client asks twice; the second answer is two small writes",
  source = "Rocket#2062 seastar#968 async-h1#199",
}
function min_pingpong()
  ask_twice(function() end)
end

cases.quickack_option = {
  about = "with TCP_QUICKACK set by the client before each read there is no 40 ms",
  source = "memcached/Netty TCP_QUICKACK",
}
function quickack_option()
  ask_twice(function(fd) must(setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, 1)) end)
end

cases.min_connect_again = {
  about = "non-blocking connect, wait, connect again: 0 once, then EISCONN",
  source = "WSL#2949 liburing#980",
}
function min_connect_again()
  local listener = socket(AF_INET, SOCK_STREAM, 0)
  bind(listener, "127.0.0.1:0")
  listen(listener, 1)
  local peer = must(getsockname(listener))
  local client = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)
  connect(client, peer)
  polled(client, POLLOUT, 50)
  say("again", connect(client, peer))
  say("then", connect(client, peer))
end

cases.min_rcvlowat = {
  about = "POLLIN only from the low-water mark on",
  source = "HAProxy splice / gRPC SO_RCVLOWAT",
}
function min_rcvlowat()
  local m, client, server = memory(4096), quick_pair()
  setsockopt(server, SOL_SOCKET, SO_RCVLOWAT, 1000)
  send(client, m, 500, 0)
  say("500", polled(server, POLLIN, 10))
  send(client, m, 600, 0)
  say("1100", polled(server, POLLIN, 10))
end

cases.shared_copy_block = {
  about = "what cannot be read behind good bytes: as much goes as a block that all of a process's sockets fill had room for",
  source = "linux sk_page_frag (current->task_frag)",
}
function shared_copy_block()
  local m = memory(32768)
  local a, _ = connected_pair()
  local b, taker = connected_pair()
  say("one socket", send(a, m, 30000, 0))
  say("another", writev(b, { { m, 3000 }, { 4096, 3000 } }))
  say("arrived", recv(taker, m, 32768, MSG_DONTWAIT))
  say("again", writev(b, { { m, 3000 }, { 4096, 3000 } }))
end

cases.low_mark_at_the_end = {
  about = "to set SO_RCVLOWAT wakes an edge-triggered waiter of a connection that is at its end",
  source = "linux tcp_set_rcvlowat",
}
function low_mark_at_the_end()
  local client, server = connected_pair()
  local ep = epoll_create1(0)
  shutdown(client, SHUT_WR)
  epoll_ctl(ep, EPOLL_CTL_ADD, server, { events = EPOLLIN | EPOLLET, data = 1 })
  local function ready() return #epoll_wait(ep, 4, 0) end
  say("end", ready())
  say("again", ready())
  setsockopt(server, SOL_SOCKET, SO_RCVLOWAT, 0)
  say("low mark", ready())
end
