#include "base/json_quote.h"
#include "base/json_text.h"
#include "base/json_word.h"
#include <string.h>

static const char letters[256] = {['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f',
                                  ['\n'] = 'n', ['\r'] = 'r',  ['\t'] = 't'};

static char *put_escape(char *out, unsigned char byte)
{
    static const char hex[] = "0123456789abcdef";
    *out++ = '\\';
    if (letters[byte]) {
        *out++ = letters[byte];
        return out;
    }
    *out++ = 'u';
    *out++ = '0';
    *out++ = '0';
    out[0] = hex[byte >> 4];
    out[1] = hex[byte & 15];
    return out + 2;
}

/* A run of characters that are not ASCII. */
static bool put_foreign(const char **at, const char *stop, bool replace, char **out)
{
    while (*at < stop && (unsigned char)**at >= 0x80) {
        size_t len = aggr_json_sequence(*at);
        if (len == 0 && !replace)
            return false;
        const char *from = len > 0 ? *at : "\xef\xbf\xbd";
        size_t written = len > 0 ? len : 3;
        memcpy(*out, from, written);
        *out += written;
        *at += len > 0 ? len : 1;
    }
    return true;
}

bool aggr_json_quote(const char **at, const char *stop, bool replace, char **out)
{
    for (;;) {
        aggr_json_copy_plain(at, stop, out);
        if (*at >= stop)
            return true;
        if ((unsigned char)**at >= 0x80) {
            if (!put_foreign(at, stop, replace, out))
                return false;
        } else {
            *out = put_escape(*out, (unsigned char)*(*at)++);
        }
    }
}
