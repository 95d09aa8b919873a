-- AF_UNIX streams by name.
cases = {}

local function stream(at)
  local fd = must(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0))
  if at then must(bind(fd, at)) end
  return fd
end

local function listener(at, backlog)
  local fd = stream(at)
  must(listen(fd, backlog or 5))
  return fd
end

cases.unix_stale = {
  about = "the node outlives its socket: EADDRINUSE until unlink, ECONNREFUSED for who connects",
  source = "neovim#37378 dart-sdk#42103 katzenpost#1116 LEBench#9 libuv#106",
}
function unix_stale()
  close(listener("unix:service"))
  say("again", bind(stream(), "unix:service"))
  say("connect", connect(stream(), "unix:service"))
  say("open", open("service", O_RDWR))
  say("unlink", unlink("service"))
  say("connect", connect(stream(), "unix:service"))
  local fd = listener("unix:service")
  say("bound", (getsockname(fd)))
  say("connect", connect(stream(), "unix:service"))
end

cases.unix_unlinked = {
  about = "a name that is taken from a listener: nobody finds it, and a second one can have the name",
  source = "libuv#108 rtp2httpd#572: who unlinks a live socket hijacks it",
}
function unix_unlinked()
  local first = listener("unix:service")
  unlink("service")
  say("nobody", connect(stream(), "unix:service"))
  local second = listener("unix:service")
  must(connect(stream(), "unix:service"))
  say("first", accept(first))
  say("second", succeeded(accept(second)))
  say("name", (getsockname(first)))
end

cases.unix_backlog = {
  about = "a full queue is EAGAIN at once for who does not wait; one more than the backlog fits",
  source = "mio#1560 curl#18748 php-src#23669 asio#1014 cockpit#9861",
}
function unix_backlog()
  local fd, clients = listener("unix:@backlog", 1), {}
  for i = 1, 4 do
    clients[i] = stream()
    say("connect " .. i, connect(clients[i], "unix:@backlog"))
  end
  say("poll", polled(clients[1], POLLIN | POLLOUT), polled(clients[4], POLLIN | POLLOUT))
  say("accept", succeeded(accept(fd)))
  say("again", connect(clients[4], "unix:@backlog"))
  say("listen", listen(fd, 2))
  say("third", connect(clients[3], "unix:@backlog"))
end

cases.unix_wait_for_room = {
  about = "who may wait for a full queue goes on when somebody is accepted",
  source = "php-src#23669: a blocking connect waits",
}
function unix_wait_for_room()
  local fd = listener("unix:@room", 0)
  must(connect(stream(), "unix:@room"))
  must(fork("connecting_child"))
  sleep(20000000)
  say("accept", succeeded(accept(fd)))
  say("child", select(2, wait()))
  say("accept", succeeded(accept(fd)))
end
function connecting_child()
  return connect(must(socket(AF_UNIX, SOCK_STREAM, 0)), "unix:@room") == 0 and 7 or 8
end

cases.unix_before_accept = {
  about = "bytes can be sent before anybody accepts, and are there when the client has gone",
  source = "nanos#1593 tokio-uds#1",
}
function unix_before_accept()
  local m, fd, client = memory(4096), listener("unix:@early"), stream()
  say("connect", connect(client, "unix:@early"))
  say("send", send(client, m, 7, 0))
  say("listener", polled(fd, POLLIN | POLLOUT))
  close(client)
  local server, peer = accept(fd)
  say("peer", peer, (getpeername(server)))
  say("recv", recv(server, m, 100, 0))
  say("end", recv(server, m, 100, 0))
end

cases.unix_names = {
  about = "who has a name, who has none, and what the other side sees of it",
  source = "shadow#1777 natalie#1933 procket#15 phoenix-rtos#788",
}
function unix_names()
  local m, fd, client = memory(4096), listener("unix:@names"), stream()
  say("fresh", (getsockname(client)), answer(getpeername(client)))
  say("connect", connect(client, "unix:@names"))
  local server = must(accept(fd))
  say("client", (getsockname(client)), (getpeername(client)))
  say("server", (getsockname(server)), (getpeername(server)))
  say("bind", bind(client, "unix:@late"))
  say("server", (getpeername(server)))
  send(client, m, 3, 0)
  say("from", recvfrom(server, m, 10, 0))
  say("again", bind(client, "unix:@other"))
  say("taken", bind(stream(), "unix:@names"))
  say("sendto", sendto(client, m, 1, 0, "unix:@names"))
end

cases.unix_unconnected = {
  about = "a socket that is not connected: POLLHUP, ENOTCONN to send, EINVAL to receive",
  source = "unix(7), libuv pipes",
}
function unix_unconnected()
  local m, fd = memory(4096), stream()
  say("poll", polled(fd, POLLIN | POLLOUT))
  say("send", send(fd, m, 1, MSG_NOSIGNAL))
  say("recv", recv(fd, m, 1, 0))
  say("listen", listen(fd, 1))
  say("accept", accept(fd))
  say("shutdown", shutdown(fd, SHUT_RDWR))
  say("nobody", connect(fd, "unix:@nobody"))
  say("no node", connect(fd, "unix:nothing"))
  say("no folder", bind(fd, "unix:none/socket"))
end

cases.unix_listener_goes = {
  about = "connections that nobody accepted are reset when the listener goes",
  source = "unix_release_sock; systemd socket restarts",
}
function unix_listener_goes()
  local m, fd, client = memory(4096), listener("unix:@going"), stream()
  must(connect(client, "unix:@going"))
  close(fd)
  say("poll", polled(client, POLLIN | POLLOUT | POLLRDHUP))
  say("recv", recv(client, m, 1, 0))
  say("recv", recv(client, m, 1, 0))
  say("send", send(client, m, 1, MSG_NOSIGNAL))
  say("free", bind(stream(), "unix:@going"))
end

cases.unix_quiet_pipe = {
  about = "a writer that sleeps while its reader shuts down gets EPIPE without SIGPIPE, later ones with",
  source = "sock_alloc_send_pskb; Go net, Rust std ignoring SIGPIPE",
}
function unix_quiet_pipe()
  local a, b = socketpair(AF_UNIX, SOCK_STREAM, 0)
  must(fork("sleeping_writer", a, b))
  sleep(50000000)
  shutdown(b, SHUT_RD)
  say("writer", select(2, wait()))
end
function sleeping_writer(a, b)
  local m = memory(MiB)
  fcntl(a, F_SETFL, O_NONBLOCK)
  while send(a, m, 4096, 0) do end
  fcntl(a, F_SETFL, 0)
  local _, error = send(a, m, 100, 0)
  print("sleeping " .. tostring(error))
  send(a, m, 100, 0)
  return 1
end
