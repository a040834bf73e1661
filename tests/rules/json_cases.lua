--- What RFC 8259 makes of texts: `accepted`, with the value; `refused`, with the byte (from 1) that is wrong
--- and a part of what is said of it. Values: NULL for null, EMPTY for an empty array.
local exact = require("aggr.testing").require("aggr.exact").of

local cases = { NULL = {}, EMPTY = {}, accepted = {}, refused = {} }
local NULL, EMPTY = cases.NULL, cases.EMPTY

local function good(text, value)
  cases.accepted[#cases.accepted + 1] = { text = text, value = value }
end

local function bad(text, byte, what)
  cases.refused[#cases.refused + 1] = { text = text, byte = byte, what = what }
end

-- Values of each kind, alone and inside (sections 2-5).
good("true", true)
good("false", false)
good("null", NULL)
good("0", 0)
good('""', "")
good("[]", EMPTY)
good("{}", {})
good('"x"', "x")
good("[null]", { NULL })
good("[true,false]", { true, false })
good("[[]]", { EMPTY })
good("[[],[[]]]", { EMPTY, { EMPTY } })
good("[{}]", { {} })
good("[1,\"a\",null,{\"b\":[2]}]", { 1, "a", NULL, { b = { 2 } } })
good('{"a":1}', { a = 1 })
good('{"a":1,"b":2}', { a = 1, b = 2 })
good('{"a":{"a":{"a":[]}}}', { a = { a = { a = EMPTY } } })
good('{"":0}', { [""] = 0 })
good('{"a b":1,"c\\"d":2}', { ["a b"] = 1, ['c"d'] = 2 })
good('{"1":1,"2":2}', { ["1"] = 1, ["2"] = 2 })
good('{"a":null}', { a = NULL })
good('{"a":[],"b":{}}', { a = EMPTY, b = {} })
good('{"\\u0061":1,"b":2}', { a = 1, b = 2 })
good('{"\\u0000":1}', { ["\0"] = 1 })
good('{"é":1,"日本":2,"😀":3}', { ["é"] = 1, ["日本"] = 2, ["😀"] = 3 })
-- Names need not be unique: the last one counts (section 4).
good('{"a":1,"a":2}', { a = 2 })
good('{"a":1,"b":2,"\\u0061":3}', { a = 3, b = 2 })
good('{"a":{"b":1},"a":{"c":2}}', { a = { c = 2 } })
good('{"a":1,"a":null}', { a = NULL })
good('{"":1,"":2}', { [""] = 2 })
-- White space (section 2).
good(" 1", 1)
good("1 ", 1)
good("\t\r\n 1\n\r\t ", 1)
good(" [ ] ", EMPTY)
good("[\n]", EMPTY)
good("{ }", {})
good("{\t}", {})
good(' { "a" : 1 , "b" : [ 1 , 2 ] } ', { a = 1, b = { 1, 2 } })
good("[1\n,\r2\t, 3]", { 1, 2, 3 })
good('{"a"\n:\n1}', { a = 1 })
good((" "):rep(100) .. "7" .. ("\n"):rep(100), 7)
-- Numbers (section 6).
for text, value in pairs {
  ["-0"] = -0, ["1"] = 1, ["-1"] = -1, ["10"] = 10, ["9"] = 9, ["1234567890"] = 1234567890, ["12345678"] = 12345678,
  ["123456789"] = 123456789, ["9007199254740991"] = 9007199254740991, ["9007199254740992"] = 2 ^ 53,
  ["-9007199254740991"] = -9007199254740991,
  ["0.0"] = 0, ["-0.0"] = -0, ["0.5"] = 0.5,
  ["-0.5"] = -0.5, ["1.0"] = 1, ["1.25"] = 1.25, ["0.1"] = 0.1, ["0.3"] = 0.3, ["3.14159"] = 3.14159,
  ["0.30000000000000004"] = 0.1 + 0.2, ["1e0"] = 1, ["1E0"] = 1, ["1e1"] = 10, ["1e+1"] = 10, ["1E+1"] = 10,
  ["1e-1"] = 0.1, ["1E-2"] = 0.01, ["1e00"] = 1, ["1e01"] = 10, ["1e-01"] = 0.1, ["0e1"] = 0, ["0e-1"] = 0,
  ["0E+99"] = 0, ["-0e5"] = -0, ["0.0e999999999"] = 0, ["1.5e3"] = 1500, ["1.5E-3"] = 0.0015, ["12.34e5"] = 1234000,
  ["1e22"] = 1e22, ["1e23"] = 1e23, ["1e27"] = 1e27, ["1e28"] = 1e28, ["1e-22"] = 1e-22, ["1e-23"] = 1e-23,
  ["1e-27"] = 1e-27, ["1e-28"] = 1e-28, ["1e100"] = 1e100, ["-1e100"] = -1e100, ["1e308"] = 1e308,
  ["1.7976931348623157e308"] = 1.7976931348623157e308, ["1.7976931348623158e308"] = 1.7976931348623157e308,
  ["2.2250738585072014e-308"] = 2 ^ -1022, ["2.2250738585072011e-308"] = 2.2250738585072011e-308,
  ["5e-324"] = 2 ^ -1074, ["4.9406564584124654e-324"] = 2 ^ -1074, ["2e-324"] = 0, ["3e-324"] = 2 ^ -1074,
  ["1e-400"] = 0, ["-1e-400"] = -0, ["1e-99999999999999999999"] = 0, ["0.000000000000000000000000000001"] = 1e-30,
  ["9007199254740993.0"] = 2 ^ 53, ["9007199254740993.00000000000000000001"] = 2 ^ 53 + 2,
  ["0.500000000000000166533453693773481063544750213623046875"] = 0.5000000000000002,
  ["179769313486231570814527423731704356798070e267"] = 1.7976931348623157e308,
  ["6.02214076e23"] = 6.02214076e23, ["1.602176634e-19"] = 1.602176634e-19,
  ["0." .. ("0"):rep(323) .. "5"] = 2 ^ -1074,
  ["0." .. ("0"):rep(2000) .. "1e2001"] = 1, ["1" .. ("0"):rep(2000) .. "e-2000"] = 1,
  ["1." .. ("0"):rep(900) .. "1"] = 1, ["9007199254740993." .. ("0"):rep(900) .. "1"] = 2 ^ 53 + 2,
  ["12345678.12345678"] = 12345678.12345678, ["1234567.1234567"] = 1234567.1234567,
} do
  good(text, value)
  good("[" .. text .. "]", { value })
end
for _, text in ipairs {
  "9007199254740993", "-9007199254740993", "9007199254740994", "10000000000000000", "9223372036854775807",
  "-9223372036854775808", "18446744073709551615", "18446744073709551616", "100000000000000000000",
  "123456789012345678901234567890", "1" .. ("0"):rep(308), "1" .. ("0"):rep(309), "-" .. ("9"):rep(60000),
} do
  good(text, exact(text))
  good('{"id": ' .. text .. " }", { id = exact(text) })
end
good("[1,-2,3.5,4e2]", { 1, -2, 3.5, 400 })
-- Strings (section 7): every escape, all of UTF-8's lengths and borders, any length.
good([["\"\\\/\b\f\n\r\t"]], "\"\\/\b\f\n\r\t")
good([["\u0000"]], "\0")
good([["a\u0000b"]], "a\0b")
good([["\u0041\u00e9\u20AC"]], "Aé€")
good([["\u007f\u0080\u07ff\u0800\uffff"]], "\127\194\128\223\191\224\160\128\239\191\191")
good([["\ud83d\ude00"]], "😀")
good([["\uD83D\uDE00x\uD800\uDC00\uDBFF\uDFFF"]], "😀x\240\144\128\128\244\143\191\191")
good([["\ud7ff\ue000"]], "\237\159\191\238\128\128")
good([["\\u0041"]], "\\u0041")
good([["\\"]], "\\")
good([["\\\""]], '\\"')
good([["/"]], "/")
good('"\127"', "\127")
good('"\194\128\223\191"', "\194\128\223\191")
good('"\224\160\128\237\159\191\238\128\128\239\191\191"', "\224\160\128\237\159\191\238\128\128\239\191\191")
good('"\240\144\128\128\244\143\191\191"', "\240\144\128\128\244\143\191\191")
good('"\239\187\191x"', "\239\187\191x")
good('"Grüße, 世界, мир"', "Grüße, 世界, мир")
for len = 1, 40 do good('"' .. ("x"):rep(len) .. '"', ("x"):rep(len)) end
for len = 0, 17 do
  good('"' .. ("y"):rep(len) .. '\\n"', ("y"):rep(len) .. "\n")
  good('["' .. ("y"):rep(len) .. 'é"]', { ("y"):rep(len) .. "é" })
  good('{"' .. ("k"):rep(len + 20) .. '":1}', { [("k"):rep(len + 20)] = 1 })
end
good('"' .. ("long "):rep(5000) .. '"', ("long "):rep(5000))
good('"' .. ("\\u00e9\\n"):rep(5000) .. '"', ("é\n"):rep(5000))

-- Where the RFC leaves a choice (sections 4, 6, 8.1, 8.2, 9), taken: what loses nothing.
good([["\uFFFE\uFFFF"]], "\239\191\190\239\191\191")
good('"\239\191\190"', "\239\191\190")
good([["\uFDD0\uD83F\uDFFE"]], "\239\183\144\240\159\191\190")
good('{"":{"":1}}', { [""] = { [""] = 1 } })
good('{"a":1,"a":{"b":2}}', { a = { b = 2 } })
good('{"\\u0061":1,"a":2}', { a = 2 })
good("[1e-999,-1e-999]", { 0, -0 })
good(("["):rep(999) .. "1" .. ("]"):rep(999), (function()
  local t = 1
  for _ = 1, 999 do t = { t } end
  return t
end)())
good('{"' .. ("k"):rep(70000) .. '":0}', { [("k"):rep(70000)] = 0 })
-- And refused: what would lose something, or what no other text says.
bad("\239\187\191[]", 1, "expected a value")
bad("\239\187\191", 1, "expected a value")
bad("\255\254[\0]\0", 1, "expected a value")
bad([["\uD800"]], 2, "half a surrogate pair")
bad([["\uDC00"]], 2, "half a surrogate pair")
bad([["\uD800\uD800"]], 2, "half a surrogate pair")
bad([["\uDFFF\uD800"]], 2, "half a surrogate pair")
bad([["\uD800x"]], 2, "half a surrogate pair")
bad("[1e999]", 2, "too large for a double")
bad("[-1e999]", 2, "too large for a double")
-- Not a value.
bad("", 1, "the text is empty")
bad(" ", 2, "expected a value, but the text ends")
bad("\n\n", 3, "expected a value")
bad("\0", 1, "expected a value")
bad("nul", 1, "expected a value")
bad("nulL", 1, "expected a value")
bad("NULL", 1, "expected a value")
bad("True", 1, "expected a value")
bad("tru", 1, "expected a value")
bad("fals", 1, "expected a value")
bad("falsy", 1, "expected a value")
bad("undefined", 1, "expected a value")
bad("NaN", 1, "expected a value")
bad("nan", 1, "expected a value")
bad("Infinity", 1, "expected a value")
bad("'a'", 1, "expected a value")
bad("a", 1, "expected a value")
bad("[a]", 2, "expected a value")
bad("/* */1", 1, "expected a value")
bad("// x\n1", 1, "expected a value")
bad("#1", 1, "expected a value")
bad("\239\187\1911", 1, "expected a value")
bad("\239\187\191{}", 1, "expected a value")
bad("\255\254", 1, "expected a value")
bad("\0001\000", 1, "expected a value")
bad("\f1", 1, "expected a value")
bad("\v1", 1, "expected a value")
bad("\194\1601", 1, "expected a value")
bad("<html>", 1, "expected a value")
bad("]", 1, "expected a value")
bad("}", 1, "expected a value")
bad(",", 1, "expected a value")
bad(":", 1, "expected a value")
bad("(1)", 1, "expected a value")
-- More than one value.
bad("1 2", 3, "something follows")
bad("truex", 5, "something follows")
bad("nullnull", 5, "something follows")
bad("{}{}", 3, "something follows")
bad("[][]", 3, "something follows")
bad("[1] x", 5, "something follows")
bad("{} ,", 4, "something follows")
bad("{}\n{}", 4, "something follows")
bad('"a""b"', 4, "something follows")
bad('"a"b', 4, "something follows")
bad("1,", 2, "something follows")
bad("[]]", 3, "something follows")
bad("{}}", 3, "something follows")
bad("1\0", 2, "something follows")
bad("[]\0", 3, "something follows")
bad("1 // x", 3, "something follows")
bad("1\f", 2, "something follows")
bad("{} #", 4, "something follows")
-- Arrays.
bad("[", 2, "expected a value, but the text ends")
bad("[1", 3, "expected ',' or ']', but the text ends")
bad("[1,", 4, "expected a value, but the text ends")
bad("[1,]", 4, "expected a value")
bad("[,1]", 2, "expected a value")
bad("[,]", 2, "expected a value")
bad("[1,,2]", 4, "expected a value")
bad("[1 2]", 4, "expected ',' or ']'")
bad("[1;2]", 3, "expected ',' or ']'")
bad("[1:2]", 3, "expected ',' or ']'")
bad("[1}", 3, "expected ',' or ']'")
bad("[}", 2, "expected a value")
bad("[[]", 4, "expected ',' or ']'")
bad("[[[", 4, "expected a value")
bad('["a"', 5, "expected ',' or ']'")
bad('["a":1]', 5, "expected ',' or ']'")
bad('["a" "b"]', 6, "expected ',' or ']'")
bad("[1\0]", 3, "expected ',' or ']'")
bad("[1,\0]", 4, "expected a value")
bad("[truefalse]", 6, "expected ',' or ']'")
bad("[1/* */]", 3, "expected ',' or ']'")
bad("[*]", 2, "expected a value")
bad("[\11]", 2, "expected a value")
bad("[1\194\160]", 3, "expected ',' or ']'")
-- Objects.
bad("{", 2, "expected a key in quotes, but the text ends")
bad("{]", 2, "expected a key")
bad("{,}", 2, "expected a key")
bad("{a:1}", 2, "expected a key")
bad("{'a':1}", 2, "expected a key")
bad("{1:1}", 2, "expected a key")
bad("{null:1}", 2, "expected a key")
bad("{[]:1}", 2, "expected a key")
bad("{{}:1}", 2, "expected a key")
bad('{"a"}', 5, "expected ':'")
bad('{"a"', 5, "expected ':' behind the key, but the text ends")
bad('{"a" 1}', 6, "expected ':'")
bad('{"a",1}', 5, "expected ':'")
bad('{"a"=1}', 5, "expected ':'")
bad('{"a"::1}', 6, "expected a value")
bad('{"a":}', 6, "expected a value")
bad('{"a":', 6, "expected a value, but the text ends")
bad('{"a":,"b":1}', 6, "expected a value")
bad('{"a":1', 7, "expected ',' or '}', but the text ends")
bad('{"a":1,', 8, "expected a key in quotes, but the text ends")
bad('{"a":1,}', 8, "expected a key")
bad('{"a":1,,"b":2}', 8, "expected a key")
bad('{"a":1 "b":2}', 8, "expected ',' or '}'")
bad('{"a":1]', 7, "expected ',' or '}'")
bad('{"a":1;"b":2}', 7, "expected ',' or '}'")
bad('{"a":1:2}', 7, "expected ',' or '}'")
bad('{"a":"b":"c"}', 9, "expected ',' or '}'")
bad('{"a":a}', 6, "expected a value")
bad('{"a":1,b:2}', 8, "expected a key")
bad('{"a":1,1:2}', 8, "expected a key")
bad('{"a":[1}', 8, "expected ',' or ']'")
bad('[{"a":1]', 8, "expected ',' or '}'")
bad('{"a\0":1', 4, "control character")
bad("{\0}", 2, "expected a key")
-- Numbers: what is wrong is the whole number.
for _, text in ipairs { "-", "+1", "+0", ".5", "-.5" } do
  bad(text, 1, text:sub(1, 1) == "-" and "a number that JSON does not have" or "expected a value")
end
for _, text in ipairs { "01", "00", "-01", "-00", "012", "0123456789", "1.", "-1.", "0.", "1.e1", "1e", "1e+",
  "1e-", "1E", "1ee1",
  "1e1.5", "1e1e1", "1.2.3", "1..2", "0x10", "0X1F", "1a", "1_000", "0b1", "0o7", "1e5f", "1f", "1L", "1n",
  "--1", "-+1",
  "1-", "1+1", "1-1", "-a", "-NaN", "-Infinity", "-Inf", "0e", "0e+", "0.e", "- 1", "1.\0", "-\0" } do
  bad(text, 1, "a number that JSON does not have")
  bad("[0," .. text .. "]", 4, "a number that JSON does not have")
end
bad("1 .5", 3, "something follows")
bad("1 e5", 3, "something follows")
bad("１", 1, "expected a value")
bad("1e400", 1, "too large for a double")
bad("-1e400", 1, "too large for a double")
bad("[1e309]", 2, "too large for a double")
bad("1.7976931348623159e308", 1, "too large for a double")
bad("1" .. ("0"):rep(309) .. ".5", 1, "too large for a double")
bad("1e999999999999999999999", 1, "too large for a double")
bad("1" .. ("0"):rep(70000), 1, "a number of over 65536 characters")
bad("0." .. ("1"):rep(70000), 1, "a number of over 65536 characters")
-- Strings.
bad('"', 2, "expected a closing quote, but the text ends")
bad('"a', 3, "expected a closing quote, but the text ends")
bad('"a\\"', 5, "expected a closing quote, but the text ends")
bad('["a', 4, "expected a closing quote, but the text ends")
bad('{"a', 4, "expected a closing quote, but the text ends")
bad('"' .. ("x"):rep(100), 102, "expected a closing quote, but the text ends")
for code = 0, 31 do bad('"' .. string.char(code) .. '"', 2, "raw control character") end
bad('"a\nb"', 3, "raw control character")
bad('"12345678\t"', 10, "raw control character")
bad('{"a\tb":1}', 4, "raw control character")
bad('"é\0"', 4, "raw control character")
for _, letter in ipairs { "a", "'", "0", "x", "v", "U", " ", "e", "N", "T", "\0", "\n", "é" } do
  bad('"\\' .. letter .. '"', 2, "an escape that JSON does not have")
end
for _, digits in ipairs { "", "0", "00", "000", "00g0", "g000", "000g", "+041", " 041", "0x41", "004 ", "{41}",
  "00é0" } do
  bad('"ab\\u' .. digits .. '"', 4, "an escape that JSON does not have")
end
bad('"\\', 2, "an escape that JSON does not have")
bad('"\\u', 2, "an escape that JSON does not have")
bad('"\\u00', 2, "an escape that JSON does not have")
for _, text in ipairs { "\\ud800", "\\uD83D", "\\udbff", "\\udc00", "\\uDFFF", "\\ud83dx", "\\ud83d\\n",
  "\\ud83d\\u0041",
  "\\ud83d\\ud83d", "\\ude00\\ud83d", "\\ud83d\\\\de00", "\\ud83d\\u", "\\ud83d\\ude0", "\\ud83d\\udc0g",
  "\\ud83d\\" } do
  bad('"x' .. text .. '"', 3, "half a surrogate pair")
end
-- UTF-8 (section 8.1): lone and missing continuations, overlong forms, surrogates, beyond U+10FFFF.
for _, bytes in ipairs { "\128", "\191", "\192", "\193", "\192\128", "\193\191", "\194", "\194x", "\223\192",
  "\224", "\224\160",
  "\224\159\191", "\224\128\128", "\225\128", "\225\128x", "\225x\128", "\237\160\128", "\237\191\191",
  "\239\191", "\240",
  "\240\144", "\240\144\128", "\240\143\191\191", "\240\128\128\128", "\244\144\128\128", "\244\143\191",
  "\245\128\128\128",
  "\247\191\191\191", "\248\136\128\128\128", "\252\132\128\128\128\128", "\254", "\255", "\240\144\128x",
  "\243\128x\128" } do
  bad('"' .. bytes .. '"', 2, "not UTF-8")
  bad('["12345678' .. bytes .. '"]', 11, "not UTF-8")
  bad('{"é' .. bytes .. '":1}', 5, "not UTF-8")
end
-- Too deep.
bad(("["):rep(1001), 1001, "nested deeper than 1000")
bad(("["):rep(100000), 1001, "nested deeper than 1000")
bad(('{"a":'):rep(1001), 5001, "nested deeper than 1000")
bad(("[{\"a\":"):rep(501), 3001, "nested deeper than 1000")

return cases
