--- aggr.channel: hands values from task to task, first in, first out.
--
-- `buffer` holds values nobody has asked for yet, at most `capacity`. Receivers wait only while it is
-- empty, senders only while it is full. Whoever waits hangs on a list, in the order they came, until
-- the other side serves it or it is cancelled; once served it is no longer cancellable in that wait,
-- so a value is either still here or with its receiver, never lost (R10).
--
--   open -> closed (what is buffered, and what senders already wait with, can still be received)
local core = require "aggr.core.task"
local errors = require "aggr.errors"
local options = require "aggr.options"

---@class aggr.Channel
local Channel = { __name = "aggr.Channel" }
Channel.__index = Channel

-- A list of waiters is circular, its head a node of its own.

local function list()
  local head = {}
  head.next, head.prev = head, head
  return head
end

local function append(head, node)
  node.prev, node.next = head.prev, head
  head.prev.next, head.prev = node, node
end

local function unlink(node)
  node.prev.next, node.next.prev = node.next, node.prev
end

--- Wakes the first waiter that can be woken and gives its node, or nil when there is none.
---@param head table
---@param value any what a receiver gets; nil leaves the node's value alone
local function serve(head, value)
  while head.next ~= head do
    local node = head.next
    unlink(node)
    node.served = true
    if value ~= nil then node.value = value end
    if core.unpark(node.task) then return node end
  end
  return nil
end

--- Hangs on a list until served. Gives the node.
local function wait(head, value)
  local node = { task = core.current(), value = value }
  append(head, node)
  core.park()
  local woken, err = core.parked()
  if not woken then
    if not node.served then unlink(node) end
    error(err, 0)
  end
  return node
end

local function check_self(self, method)
  if type(self) ~= "table" or getmetatable(self) ~= Channel then
    errors.usage(1, "channel:%s is a method: call it with a colon", method)
  end
end

--- Hand over a value; waits while the buffer is full (capacity 0: until somebody receives it).
--- Raises kind `usage` on a closed channel and for nil.
---@param value any not nil
function Channel:send(value)
  check_self(self, "send")
  if value == nil then errors.usage(1, "channel:send: nil can't be sent (aggr.null can)") end
  core.check()
  if self.closed then errors.usage(1, "channel:send: the channel is closed") end
  if serve(self.receivers, value) then return end
  if self.last - self.first + 1 < self.capacity then
    self.last = self.last + 1
    self.buffer[self.last] = value
    return
  end
  wait(self.senders, value)
end

local function take(self)
  local value = self.buffer[self.first]
  self.buffer[self.first] = nil
  self.first = self.first + 1
  local sender = serve(self.senders)
  if sender then
    self.last = self.last + 1
    self.buffer[self.last] = sender.value
  end
  return value
end

--- The next value; waits for one. nil when the channel is closed and empty.
---@return any
function Channel:recv()
  check_self(self, "recv")
  core.check()
  if self.first <= self.last then return take(self) end
  local sender = serve(self.senders)
  if sender then return sender.value end
  if self.closed then return nil end
  return wait(self.receivers).value
end

--- No more values will be sent. Closing twice does nothing.
function Channel:close()
  check_self(self, "close")
  self.closed = true
  while serve(self.receivers) do end
end

--- `for value in channel do`
Channel.__call = function(self) return self:recv() end

--- A channel that buffers up to `capacity` values; with 0 (the default) a sender waits for its receiver.
---@param capacity integer?
---@return aggr.Channel
local function channel(capacity)
  if capacity == nil then capacity = 0 end
  options.count(capacity, 0, "aggr.channel: capacity")
  return setmetatable({
    capacity = capacity, buffer = {}, first = 1, last = 0, closed = false,
    senders = list(), receivers = list(),
  }, Channel)
end

return channel
