-- UDP over the loopback device.
cases = {}

local HERE = "127.0.0.1:0"

local function udp(at)
  local fd = must(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0))
  if at then must(bind(fd, at)) end
  return fd
end

-- Two sockets, of which the first is connected to the second.
local function udp_pair()
  local server, client = udp(HERE), udp()
  must(connect(client, (getsockname(server))))
  return client, server
end

-- An address where nobody is.
local function nobody()
  local fd = udp(HERE)
  local at = must(getsockname(fd))
  close(fd)
  return at
end

cases.udp_refused = {
  about = "a connected socket whose peer is gone: every other send fails",
  source = "tokio#4996 asyncudp#12 haskell-socket#55 c-ares#821",
}
function udp_refused()
  local m, fd = memory(4096), udp()
  must(connect(fd, nobody()))
  for i = 1, 4 do say("send " .. i, send(fd, m, 5, 0)) end
  say("poll", polled(fd, POLLIN))
  say("recv", recv(fd, m, 5, 0))
  say("recv", recv(fd, m, 5, 0))
  send(fd, m, 5, 0)
  say("SO_ERROR", getsockopt(fd, SOL_SOCKET, SO_ERROR))
end

cases.udp_refused_unconnected = {
  about = "a socket that is not connected never learns of it, and its other peers do not suffer",
  source = "bun#29135 bun#36249 ZLMediaKit#1444",
}
function udp_refused_unconnected()
  local m, fd, alive = memory(4096), udp(), udp(HERE)
  say("dead", sendto(fd, m, 5, 0, nobody()))
  say("poll", polled(fd, POLLIN | POLLOUT))
  say("live", sendto(fd, m, 6, 0, (getsockname(alive))))
  say("recv", recv(fd, m, 5, 0))
  say("there", recv(alive, m, 100, 0))
end

cases.udp_empty = {
  about = "a datagram without bytes is no end",
  source = "mongoose#3696 pupnp#498 ponyc#5289 libhv#541",
}
function udp_empty()
  local m, client, server = memory(4096), udp_pair()
  say("write", write(client, m, 0))
  say("send", send(client, m, 0, 0))
  say("writev", writev(client, { { m, 0 } }))
  send(client, m, 9, 0)
  say("poll", polled(server, POLLIN))
  for _ = 1, 2 do say("recv", recv(server, m, 100, 0)) end
  say("read of nothing", read(server, m, 0))
  say("recv of nothing", recv(server, m, 0, 0))
  say("none", recv(server, m, 100, 0))
end

cases.udp_longest = {
  about = "65,507 bytes are a datagram, one more is EMSGSIZE",
  source = "hot-shots#109 concord-bft#547 libuv#411 rsyslog#1766",
}
function udp_longest()
  local m, client, server = memory(70000), udp_pair()
  for _, size in ipairs({ 65507, 65508, 65536 }) do say("send " .. size, send(client, m, size, 0)) end
  say("recv", recv(server, m, 70000, 0))
  say("none", recv(server, m, 70000, 0))
end

cases.udp_cut = {
  about = "what does not fit is gone; MSG_TRUNC tells how much there was, recvmsg that there was more",
  source = "zephyr#10494 onload#122 pdns#2939 samplicator#34",
}
function udp_cut()
  local m, client, server = memory(4096), udp_pair()
  for size = 100, 103 do send(client, m, size, 0) end
  say("FIONREAD", ioctl(server, FIONREAD))
  say("peek", recv(server, m, 0, MSG_PEEK | MSG_TRUNC))
  say("recv", recv(server, m, 10, 0))
  say("trunc", recv(server, m, 10, MSG_TRUNC))
  local n, flags = recvmsg(server, { { m, 3 }, { m, 4 } }, 0)
  say("recvmsg", n, flags == MSG_TRUNC)
  n, flags = recvmsg(server, { { m, 3 }, { m, 400 } }, 0)
  say("recvmsg", n, flags)
end

cases.udp_names = {
  about = "who sent it, what getsockname says before and after connect, and AF_UNSPEC",
  source = "udp(7), connect(2): dissolving an association",
}
function udp_names()
  local m, client, server = memory(4096), udp(), udp("0.0.0.0:0")
  local port = must(getsockname(server)):match(":(%d+)$")
  local function same(a, b) return a == b end
  say("before", (getsockname(client)))
  say("nowhere", send(client, m, 1, 0))
  say("sendto", sendto(client, m, 7, 0, "127.0.0.1:" .. port))
  local n, from = recvfrom(server, m, 100, 0)
  say("from", n, from:match("^[%d.]+"), same(from:match(":(%d+)"), getsockname(client):match(":(%d+)")))
  say("connect", connect(client, "127.0.0.1:" .. port))
  say("peer", same(getpeername(client), "127.0.0.1:" .. port), getsockname(client):match("^[%d.]+"))
  say("of the server", getpeername(server))
  say("dissolve", connect(client, AF_UNSPEC))
  say("after", (getsockname(client)), answer(getpeername(client)))
end

cases.udp_full = {
  about = "a full receive buffer loses datagrams silently: 212,992 bytes hold 256 of one byte",
  source = "supercollider#5870 py-ipv8#692 srt-rs#89 logstash-input-udp#22",
}
function udp_full()
  local m, client, server = memory(70000), udp_pair()
  for _, size in ipairs({ 1, 200, 1472, 9000, 60000 }) do
    local sent, got = 0, 0
    for _ = 1, 400 do sent = sent + (send(client, m, size, 0) and 1 or 0) end
    while recv(server, m, 70000, 0) do got = got + 1 end
    say(size, sent, got)
  end
end

cases.udp_full_again = {
  about = "room comes back a quarter of the buffer at a time while a reader works off the queue",
  source = "srt-rs#89: drops although the reader keeps up",
}
function udp_full_again()
  local m, client, server = memory(4096), udp_pair()
  local function fill()
    for _ = 1, 300 do send(client, m, 1, 0) end
  end
  fill()
  for _ = 1, 40 do recv(server, m, 10, 0) end
  fill()
  local got = 0
  while recv(server, m, 10, 0) do got = got + 1 end
  say("40 read", got)
  fill()
  for _ = 1, 70 do recv(server, m, 10, 0) end
  fill()
  got = 0
  while recv(server, m, 10, 0) do got = got + 1 end
  say("70 read", got)
end

cases.udp_cork = {
  about = "MSG_MORE and UDP_CORK: several calls, one datagram; EMSGSIZE loses all of it",
  source = "udp(7)",
}
function udp_cork()
  local m, client, server = memory(70000), udp_pair()
  say("more", send(client, m, 10, MSG_MORE))
  say("nothing yet", recv(server, m, 100, 0))
  say("end", send(client, m, 20, 0))
  say("recv", recv(server, m, 100, 0))
  say("cork", setsockopt(client, IPPROTO_UDP, UDP_CORK, 1))
  send(client, m, 60000, 0)
  say("too much", send(client, m, 6000, 0))
  send(client, m, 5, 0)
  say("uncork", setsockopt(client, IPPROTO_UDP, UDP_CORK, 0))
  say("recv", recv(server, m, 100, 0))
end

cases.udp_sendfile = {
  about = "sendfile makes one datagram; a file too long for one is EMSGSIZE",
  source = "sendfile(2), splice(2) to a datagram socket",
  a = 100000,
}
function udp_sendfile()
  local m, file, client, server = memory(70000), open("a", O_RDONLY), udp_pair()
  for _, size in ipairs({ 100, 10000, 65507, 65508, 100000 }) do
    say("sendfile " .. size, sendfile(client, file, 0, size))
    say("recv", recv(server, m, 70000, 0))
  end
  local r, w = pipe()
  send(client, m, 100, 0)
  say("splice", splice(server, nil, w, nil, 60, 0))
  say("the rest is gone", recv(server, m, 100, 0))
  say("read", read(r, m, 100))
end

cases.udp_shutdown = {
  about = "shutdown of a socket that is not connected: ENOTCONN, and done all the same; EPIPE without a signal",
  source = "inet_shutdown; Python asyncio datagram transports",
}
function udp_shutdown()
  local m, fd = memory(4096), udp(HERE)
  say("shutdown", shutdown(fd, SHUT_RDWR))
  say("poll", polled(fd, POLLIN | POLLOUT | POLLRDHUP))
  say("sendto", sendto(fd, m, 1, 0, (getsockname(fd))))
  say("recv", recv(fd, m, 1, 0))
  fcntl(fd, F_SETFL, 0)
  say("recv that may wait", recv(fd, m, 1, 0))
end

cases.udp_edges = {
  about = "edge-triggered epoll: each datagram is an event, and each that was sent, too",
  source = "libuv/Netty UDP with EPOLLET",
}
function udp_edges()
  local m, client, server = memory(4096), udp_pair()
  local ep = epoll_create1()
  for i, fd in ipairs({ client, server }) do
    epoll_ctl(ep, EPOLL_CTL_ADD, fd, { events = EPOLLIN | EPOLLOUT | EPOLLET, data = i })
  end
  local function told(what)
    for _, event in ipairs(must(epoll_wait(ep, 8, 0))) do say(what, event.data, hex(event.events)) end
  end
  told("added")
  send(client, m, 1, 0)
  told("sent")
  told("again")
  send(client, m, 1, 0)
  told("sent")
  recv(server, m, 10, 0)
  told("read")
end

cases.udp_ports = {
  about = "a port is taken, and shared with SO_REUSEADDR of both; the last one gets the datagrams",
  source = "Node dgram reuseAddr, mDNS responders",
}
function udp_ports()
  local m, first, second, client = memory(4096), udp(HERE), udp(), udp()
  local at = must(getsockname(first))
  say("taken", bind(second, at))
  setsockopt(second, SOL_SOCKET, SO_REUSEADDR, 1)
  say("by one", bind(second, at))
  setsockopt(first, SOL_SOCKET, SO_REUSEADDR, 1)
  say("by both", bind(second, at))
  sendto(client, m, 3, 0, at)
  say("first", recv(first, m, 10, 0))
  say("second", recv(second, m, 10, 0))
  close(second)
  sendto(client, m, 3, 0, at)
  say("first", recv(first, m, 10, 0))
end

cases.udp_corked_elsewhere = {
  about = "where sendto with MSG_MORE pointed is where later sends of a connected socket go, whether it came to anything or not",
  source = "linux udp_sendmsg (inet->cork.fl)",
}
function udp_corked_elsewhere()
  local m, a, b, fd = memory(4096), udp(HERE), udp(HERE), udp()
  local function arrived(after)
    say(after .. ": at a", recv(a, m, 4096, 0))
    say(after .. ": at b", recv(b, m, 4096, 0))
  end
  must(connect(fd, (getsockname(a))))
  say("corked", sendto(fd, m, 1, MSG_MORE, (getsockname(b))))
  say("ended", send(fd, m, 2, 0))
  arrived("ended")
  say("plain", send(fd, m, 4, 0))
  arrived("plain")
  must(connect(fd, (getsockname(a))))
  say("plain", send(fd, m, 5, 0))
  arrived("connected again")
  say("corked from nowhere", sendto(fd, 4096, 1, MSG_MORE, (getsockname(b))))
  say("plain", send(fd, m, 6, 0))
  arrived("after what failed")
  say("to a", sendto(fd, m, 7, 0, (getsockname(a))))
  arrived("to a")
  say("plain", send(fd, m, 8, 0))
  arrived("last")
end
