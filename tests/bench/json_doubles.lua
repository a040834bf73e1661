-- json_doubles.lua COUNT SEED: random doubles by bit pattern, as text and back. Prints how many came
-- back changed, and the CPU time of writing and of reading one: changed=0 write_ns= read_ns=
local aggr = require "aggr"
local ffi = require "ffi"

local count, state = tonumber(arg[1]), ffi.cast("uint64_t", tonumber(arg[2])) * 0x9E3779B97F4A7C15ULL
local BATCH = 50000
local bits = ffi.new "union { uint64_t bits; double value; }"

local function random_double()
  repeat
    state = state * 6364136223846793005ULL + 1442695040888963407ULL
    bits.bits = bit.bxor(state, bit.rshift(state, 29))
  until bit.band(bit.rshift(bits.bits, 52), 0x7FF) ~= 0x7FF -- neither infinite nor NaN
  return bits.value
end

local changed, write_s, read_s = 0, 0, 0
for _ = 1, count / BATCH do
  local values = {}
  for i = 1, BATCH do values[i] = random_double() end
  local began = os.clock()
  local text = aggr.json.encode(values)
  local written = os.clock()
  local read = aggr.json.decode(text)
  write_s, read_s = write_s + written - began, read_s + os.clock() - written
  for i = 1, BATCH do
    if read[i] ~= values[i] or values[i] == 0 and 1 / read[i] ~= 1 / values[i] then changed = changed + 1 end
  end
end
return ("changed=%d write_ns=%.0f read_ns=%.0f\n"):format(changed, write_s / count * 1e9, read_s / count * 1e9)
