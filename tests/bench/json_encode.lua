-- json_encode.lua FOLDER ROUNDS NAME...: CPU time of encoding FOLDER/NAME.json, decoded, with aggr and
-- with lua-cjson in turns. Prints NAME_aggr=ms NAME_unsorted=ms NAME_cjson=ms.
local aggr = require "aggr"
local cjson = require "cjson"

local folder, rounds = arg[1], tonumber(arg[2])
local encoders = {
  aggr = aggr.json.encode,
  unsorted = function(value) return aggr.json.encode(value, { sort_keys = false }) end,
  cjson = cjson.encode,
}

local function sample(encode, value)
  collectgarbage()
  collectgarbage()
  local began = os.clock()
  encode(value)
  return (os.clock() - began) * 1e3
end

local words = {}
for i = 3, #arg do
  local file = assert(io.open(("%s/%s.json"):format(folder, arg[i]), "rb"))
  local value = aggr.json.decode(file:read "*a", { bigint = "number" })
  file:close()
  local times = { aggr = {}, unsorted = {}, cjson = {} }
  for round = 1, rounds do
    for name, encode in pairs(encoders) do times[name][round] = sample(encode, value) end
  end
  for name, list in pairs(times) do
    table.sort(list)
    words[#words + 1] = ("%s_%s=%.4f"):format(arg[i], name, list[math.ceil(rounds / 2)])
  end
end
return table.concat(words, " ") .. "\n"
