--- check.tree: who is who in a chunk.
--
-- Nodes are luacheck's: arrays with `tag`, `line`, `offset`. This adds to each its `parent` (the nearest node
-- with a tag), and to each Id either `binding` (its local) or `global` (its global), both tables:
--
--   name, uses (the Ids that read it), writes (how many assignments) and written (what the last one gives)
--   binding: id; plain, when `local` declares it, and value, what it is given there; param_of and position
--   global:  top (the main chunk assigns it), targets (the Ids that are assigned)
--
-- A node of a value is false where it is not to be seen: behind a call's first result, or in `...`. A
-- Function knows the table it is the value of as `bound`.
local tree = {}

local DEEPEST = 1000 -- nodes in nodes; what compiles but nests deeper is generated code

local Walk = {}
Walk.__index = Walk

function Walk:open()
  self.scope = { up = self.scope, names = {} }
end

function Walk:close()
  self.scope = self.scope.up
end

function Walk:declare(id, fields)
  local binding = fields or {}
  binding.name, binding.id, binding.uses, binding.writes = id[1], id, {}, 0
  id.binding = binding
  self.scope.names[id[1]] = binding
  return binding
end

function Walk:find(name)
  local scope = self.scope
  while scope do
    if scope.names[name] then return scope.names[name] end
    scope = scope.up
  end
end

function Walk:global(name)
  local global = self.globals[name]
  if not global then
    global = { name = name, uses = {}, targets = {}, writes = 0 }
    self.globals[name] = global
  end
  return global
end

--- Sets what an Id is; returns it.
function Walk:resolve(id)
  id.binding = self:find(id[1])
  if id.binding then return id.binding end
  id.global, id.scope = self:global(id[1]), self.scope
  return id.global
end

local visit_tag = {}

function Walk:visit(node, parent)
  if node.tag then
    self.depth = self.depth + 1
    if self.depth > DEEPEST then error("too deep", 0) end
    node.parent = parent
    local visit = visit_tag[node.tag]
    if visit then visit(self, node) else self:children(node, node) end
    self.depth = self.depth - 1
  else
    self:children(node, parent)
  end
end

function Walk:children(node, parent)
  for i = 1, #node do
    if type(node[i]) == "table" then self:visit(node[i], parent) end
  end
end

function Walk:block(list, parent)
  self:open()
  self:children(list, parent)
  self:close()
end

function visit_tag.Id(self, node)
  local known = self:resolve(node)
  known.uses[#known.uses + 1] = node
end

function visit_tag.Call(self, node)
  self:children(node, node)
  self.calls[#self.calls + 1] = node
end
visit_tag.Invoke = visit_tag.Call

function visit_tag.Function(self, node)
  self:open()
  self.functions = self.functions + 1
  for i, argument in ipairs(node[1]) do
    argument.parent = node
    if argument.tag == "Id" then self:declare(argument, { param_of = node, position = i }) end
  end
  self:block(node[2], node)
  self.functions = self.functions - 1
  self:close()
end

--- The expression that gives name i its value; false when a list's last call or `...` does.
local function value_at(values, i)
  return values[i] or false
end

function visit_tag.Local(self, node)
  local names, values = node[1], node[2]
  if values then self:children(values, node) end
  for i, id in ipairs(names) do
    id.parent = node
    local value = values and value_at(values, i)
    local binding = self:declare(id, { plain = true, value = value })
    if value and value.tag == "Function" then value.bound = binding end
  end
end

function visit_tag.Localrec(self, node)
  local id, fn = node[1][1], node[2][1]
  id.parent = node
  fn.bound = self:declare(id, { plain = true, value = fn })
  self:visit(fn, node)
end

local function assign(self, id, value)
  local known = self:resolve(id)
  known.writes = known.writes + 1
  known.written = value
  if value and value.tag == "Function" then value.bound = known end
  if id.global then
    id.global.top = id.global.top or self.functions == 0
    table.insert(id.global.targets, id)
  end
end

function visit_tag.Set(self, node)
  local targets, values = node[1], node[2]
  self:children(values, node)
  for i, target in ipairs(targets) do
    if target.tag == "Id" then
      target.parent = node
      assign(self, target, value_at(values, i))
    else
      target.target = true
      self:visit(target, node)
    end
  end
end

visit_tag["Do"] = function(self, node) self:block(node, node) end

visit_tag["While"] = function(self, node)
  self:visit(node[1], node)
  self:block(node[2], node)
end

visit_tag["Repeat"] = function(self, node)
  self:open()
  self:children(node[1], node)
  self:visit(node[2], node)
  self:close()
end

visit_tag["If"] = function(self, node)
  for _, part in ipairs(node) do
    if part.tag then self:visit(part, node) else self:block(part, node) end
  end
end

visit_tag.Fornum = function(self, node)
  for i = 2, #node - 1 do self:visit(node[i], node) end
  self:open()
  node[1].parent = node
  self:declare(node[1])
  self:block(node[#node], node)
  self:close()
end

visit_tag.Forin = function(self, node)
  self:children(node[2], node)
  self:open()
  for _, id in ipairs(node[1]) do
    id.parent = node
    self:declare(id)
  end
  self:block(node[3], node)
  self:close()
end

---@class aggr.CheckTree
---@field body table                   the main chunk's statements
---@field calls table[]                every call, inner ones first
---@field globals table<string, table>

--- The tree of a parsed chunk; nil when it nests too deep to be looked at.
---@param body table
---@return aggr.CheckTree?
function tree.build(body)
  local walk = setmetatable({ globals = {}, calls = {}, functions = 0, depth = 0 }, Walk)
  local ok, err = pcall(walk.block, walk, body)
  if not ok then
    if err == "too deep" then return nil end
    error(err, 0)
  end
  return { body = body, calls = walk.calls, globals = walk.globals }
end

--- The names of the locals that can be seen where a global Id stands.
---@param id table
---@return table<string, boolean>
function tree.visible(id)
  local names, scope = {}, id.scope
  while scope do
    for name in pairs(scope.names) do names[name] = true end
    scope = scope.up
  end
  return names
end

return tree
