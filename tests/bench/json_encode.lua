-- json_encode.lua FOLDER ROUNDS ENCODERS NAME...: CPU time of encoding FOLDER/NAME.json, decoded, with
-- each of ENCODERS ("aggr,cjson") in turns. Prints NAME_aggr=ms NAME_cjson=ms.
local aggr = require "aggr"

local encoders = { aggr = aggr.json.encode, cjson = require("cjson").encode }

local folder, rounds, chosen = arg[1], tonumber(arg[2]), {}
for name in arg[3]:gmatch "%a+" do chosen[name] = assert(encoders[name]) end

local function sample(encode, value)
  collectgarbage()
  collectgarbage()
  local began = os.clock()
  encode(value)
  return (os.clock() - began) * 1e3
end

local function value_of(name, options)
  local file = assert(io.open(("%s/%s.json"):format(folder, name), "rb"))
  local value = aggr.json.decode(file:read "*a", options)
  file:close()
  return value
end

local words = {}
for i = 4, #arg do
  -- lua-cjson has doubles alone.
  local values = { aggr = value_of(arg[i]), cjson = value_of(arg[i], { bigint = "number" }) }
  local times = { aggr = {}, cjson = {} }
  for round = 1, rounds do
    for name, encode in pairs(chosen) do times[name][round] = sample(encode, values[name]) end
    aggr.sleep(0)
  end
  for name in pairs(chosen) do
    table.sort(times[name])
    words[#words + 1] = ("%s_%s=%.4f"):format(arg[i], name, times[name][math.ceil(rounds / 2)])
  end
end
return table.concat(words, " ") .. "\n"
