#include "base/url.h"
#include <ctype.h>
#include <stdint.h>
#include <string.h>

/* Where the userinfo of `text` begins: after "://" or a leading "//", else at the start. */
static size_t authority_start(const char *text)
{
    size_t word = strcspn(text, "/?#@");
    if (text[word] == '/' && text[word + 1] == '/' && (word == 0 || text[word - 1] == ':'))
        return word + 2;
    return 0;
}

/* Whether the authority text[start..end) has something after a colon that is no port: then a
 * password with a raw "/", "?" or "#" in it has cut it short. */
static bool cut_short(const char *text, size_t start, size_t end)
{
    if (text[start] == '[')
        return false;
    size_t i = start;
    while (i < end && text[i] != ':')
        i++;
    for (i++; i < end; i++)
        if (!isdigit((unsigned char)text[i]))
            return true;
    return false;
}

/* The place of the @ that ends the userinfo, SIZE_MAX when there is none. */
static size_t userinfo_end(const char *text, size_t start)
{
    size_t end = start + strcspn(text + start, "/?#");
    for (size_t i = end; i > start; i--)
        if (text[i - 1] == '@')
            return i - 1;
    if (cut_short(text, start, end)) {
        const char *at = strrchr(text + end, '@');
        if (at)
            return (size_t)(at - text);
    }
    return SIZE_MAX;
}

size_t aggr_url_mask(char *out, size_t cap, const char *text)
{
    size_t start = authority_start(text);
    size_t at = userinfo_end(text, start);
    if (at == SIZE_MAX)
        return (size_t)snprintf(out, cap, "%s", text);
    size_t keep = start; /* up to and with the colon after the user, when there is one */
    for (size_t i = start; i < at && keep == start; i++)
        if (text[i] == ':')
            keep = i + 1;
    return (size_t)snprintf(out, cap, "%.*s***%s", (int)keep, text, text + at);
}
