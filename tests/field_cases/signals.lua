-- Signals.
cases = {}

cases.sigpipe_ignored = { about = "a server that ignores SIGPIPE sees EPIPE", source = "signal(7), nginx, redis" }
function sigpipe_ignored()
  local m, r, w = memory(4096), pipe()
  close(r)
  say("ignore", sigaction(SIGPIPE, SIG_IGN))
  say("write", write(w, m, 1))
  local client, server = quick_pair()
  close(server)
  sleep(5000000)
  say("first", send(client, m, 10, 0))
  sleep(5000000)
  say("second", send(client, m, 10, 0))
  say("default", sigaction(SIGPIPE, SIG_DFL))
  write(w, m, 1)
  say("not reached")
end

cases.kill_ends_waits = { about = "a signal ends a process in each of the calls that wait", source = "kill(2)" }
function wait_in(what)
  local m, r, w = memory(65536), pipe()
  if what == "read" then read(r, m, 1) end
  while what == "write" do write(w, m, 65536) end
  if what == "poll" then poll({ { fd = r, events = POLLIN } }, -1) end
  if what == "sleep" then sleep(100000000000) end
  if what == "compute" then compute(300000000) sleep(0) end
  local client, server = quick_pair()
  if what == "recv" then recv(server, m, 1, 0) end
  if what == "send" then while true do send(client, m, 65536, 0) end end
  local listener = socket(AF_INET, SOCK_STREAM, 0)
  bind(listener, "127.0.0.1:0")
  listen(listener, 1)
  accept(listener)
end
function kill_ends_waits()
  for _, what in ipairs({ "read", "write", "poll", "sleep", "recv", "send", "accept", "compute" }) do
    for _, signal in ipairs({ SIGTERM, SIGKILL }) do
      local child = fork("wait_in", what)
      sleep(20000000)
      say(what .. " kill", kill(child, signal))
      local _, how = wait(child)
      say(what, how)
    end
  end
  say("gone", kill(999999999, 0))
end

cases.handler_interrupts = { about = "EINTR from calls that wait, and none with SA_RESTART", source = "signal(7)" }
local caught = 0
function on_signal(signal) caught = caught + signal end
function later(parent, signal)
  sleep(100000000)  -- the parent waits by then, on a busy machine too
  kill(parent, signal)
  sleep(100000000)  -- its end is no answer to what the signal does
end
function handler_interrupts()
  local m, r, w = memory(4096), pipe()
  local epoll = epoll_create1()
  local waits = {
    read = function() return read(r, m, 1) end,
    poll = function() return poll({ { fd = r, events = POLLIN } }, 2000) end,
    epoll = function() local events, error = epoll_wait(epoll, 1, 2000) return events and #events, error end,
    sleep = function() return sleep(2000000000) end,
    wait = function() return wait() end,
  }
  for _, flags in ipairs({ 0, SA_RESTART }) do
    for what, wait_there in pairs(waits) do
      if what ~= "read" or flags == 0 then
        sigaction(SIGUSR1, "on_signal", flags)
        local child = fork("later", getpid(), SIGUSR1)
        local value, error = wait_there()
        say(what .. " " .. hex(flags), what == "wait" and (value and "child") or value, not value and error or nil)
        if error == "EINTR" or what ~= "wait" then wait(child) end
        say("caught", caught)
      end
    end
  end
end

cases.handler_restarts_read = { about = "a handler writes what a restarted read waits for", source = "signal(7)" }
local to
function on_write(signal) say("handler", signal, write(to, memory(4096), 7)) end
function handler_restarts_read()
  local m, r, w = memory(4096), pipe()
  to = w
  sigaction(SIGUSR1, "on_write", SA_RESTART)
  fork("later", getpid(), SIGUSR1)
  say("read", read(r, m, 100))
  wait()
end

cases.handler_is_reset = { about = "SA_RESETHAND, blocked while it runs, SA_NODEFER", source = "sigaction(2)" }
local depth = 0
function nested(signal)
  depth = depth + 1
  say("in", depth)
  if depth < 3 then kill(getpid(), signal) end
  say("out", depth)
end
function handler_is_reset()
  sigaction(SIGUSR1, "nested", 0)
  say("kill", kill(getpid(), SIGUSR1))
  depth = 0
  sigaction(SIGUSR1, "nested", SA_NODEFER)
  say("kill", kill(getpid(), SIGUSR1))
  depth = 2
  sigaction(SIGUSR1, "nested", SA_RESETHAND)
  say("kill", kill(getpid(), SIGUSR1))
  kill(getpid(), SIGUSR1)
  say("not reached")
end

cases.sigchld = { about = "a handler of SIGCHLD; nothing to wait for when it is ignored", source = "wait(2) NOTES" }
function brief()
  sleep(20000000)
  return 3
end
function on_child(signal) say("child ended", signal == SIGCHLD) end
function sigchld()
  sigaction(SIGCHLD, "on_child")
  fork("brief")
  say("sleep", sleep(100000000))
  local _, how = wait()
  say("wait", how)
  sigaction(SIGCHLD, SIG_IGN)
  fork("brief")
  say("nobody", wait())
end
