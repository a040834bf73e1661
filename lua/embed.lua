--- A module of the library as a C header: `luajit embed.lua FILE SYMBOL HEADER`, at build time.
--
-- Run it in the folder that FILE is relative to. The bytecode keeps what debugging needs. Its chunk name,
-- "(aggr) aggr/fetch.lua", is one that no file of a script's can have.
local file, symbol, header = ...

local source = assert(io.open(file, "rb"))
local code = string.dump(assert(loadstring(source:read("*a"), "=(aggr) " .. file)))
source:close()

local lines = {}
for i = 1, #code, 24 do lines[#lines + 1] = table.concat({ code:byte(i, i + 23) }, ",") end
local out = assert(io.open(header, "wb"))
assert(out:write("static const unsigned char luaJIT_BC_", symbol, "[] = {\n", table.concat(lines, ",\n"), "\n};\n"))
assert(out:close())
