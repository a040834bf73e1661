-- json_decode.lua FOLDER ROUNDS NAME...: CPU time of decoding FOLDER/NAME.json with aggr and with
-- lua-cjson in turns, each on a heap that holds nothing else. Prints NAME_aggr=ms NAME_cjson=ms.
local aggr = require "aggr"
local cjson = require "cjson"

local folder, rounds = arg[1], tonumber(arg[2])
local decoders = { aggr = aggr.json.decode, cjson = cjson.decode }

local function sample(decode, text)
  collectgarbage()
  collectgarbage()
  local began = os.clock()
  local value = decode(text)
  return (os.clock() - began) * 1e3, value
end

local words = {}
for i = 3, #arg do
  local file = assert(io.open(("%s/%s.json"):format(folder, arg[i]), "rb"))
  local text = file:read "*a"
  file:close()
  local times = { aggr = {}, cjson = {} }
  for round = 1, rounds do
    for name, decode in pairs(decoders) do times[name][round] = sample(decode, text) end
  end
  for name, list in pairs(times) do
    table.sort(list)
    words[#words + 1] = ("%s_%s=%.4f"):format(arg[i], name, list[math.ceil(rounds / 2)])
  end
end
return table.concat(words, " ") .. "\n"
