#!/bin/sh
# Fails when a file of runtime/ includes a floor above its own, or a library's header that is not its
# business: curl.h is for io/curl_api.h alone, lua.h for task/ and above, uv.h for io/ and above.
# Also when one Lua library file requires what is not the library's (aggr.* and the host's modules);
# check.* and luacheck's parser are lua/check's alone.
set -eu
cd "$(dirname "$0")/.."

floors='base io task bind vm cli'
bad=$(mktemp)
trap 'rm -f "$bad"' EXIT

complain() { echo "$*" >>"$bad"; }

rank() {
  position=0
  for floor in $floors; do
    [ "$floor" = "$1" ] && break
    position=$((position + 1))
  done
  echo "$position"
}

# look FLOOR FILE HEADER
look() {
  case $3 in
  curl/*) case $2 in runtime/io/curl_api.h) ;; *) complain "$2: includes <$3>" ;; esac ;;
  lua.h | lauxlib.h | lualib.h | luajit.h)
    case $1 in task | bind | vm | cli) ;; *) complain "$2: includes <$3>" ;; esac ;;
  uv.h) [ "$1" != base ] || complain "$2: includes <$3>" ;;
  */*)
    above=${3%%/*}
    case " $floors " in
    *" $above "*)
      [ "$(rank "$above")" -le "$(rank "$1")" ] || complain "$2: includes \"$3\", a floor above" ;;
    esac ;;
  esac
}

count=0
for floor in $floors; do
  for file in "runtime/$floor"/*.[ch]; do
    [ -e "$file" ] || continue
    count=$((count + 1))
    for header in $(sed -n 's/^ *# *include *["<]\([^">]*\)[">].*/\1/p' "$file"); do
      look "$floor" "$file" "$header"
    done
  done
done

for file in lua/*.lua lua/aggr/*.lua lua/prelude/*.lua lua/check/*.lua; do
  [ -e "$file" ] || continue
  count=$((count + 1))
  # shellcheck disable=SC2013 # module names have no spaces
  for module in $(sed -n 's/.*[^"_.a-z]require *(\{0,1\} *"\([a-z0-9_.]*\)".*/\1/p' "$file"); do
    case $module in
    aggr | aggr.* | prelude.* | cjson | cjson.* | table.new | table.clear | bit | jit | jit.util) ;;
    ffi)
      case $file in lua/aggr/exact.lua | lua/prelude/native.lua) ;; *) complain "$file: requires $module" ;; esac ;;
    check.* | luacheck.parser | luacheck.lexer)
      case $file in lua/check/*) ;; *) complain "$file: requires $module" ;; esac ;;
    *) complain "$file: requires $module" ;;
    esac
  done
done

failed=$(wc -l <"$bad")
cat "$bad" >&2
echo "layering: $count files, $failed wrong"
[ "$failed" -eq 0 ] && [ "$count" -gt 0 ]
