#include "cli/complain.h"

#include <stdarg.h>
#include <stdio.h>

int aggr_complain(const char *format, ...)
{
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    for (char *at = line; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 127)
            *at = '?';
    fprintf(stderr, "aggr: %s\n", line);
    return AGGR_EXIT_USAGE;
}
