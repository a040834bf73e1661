/* duration.h -- spans of time and sizes as people write them on a command line. */
#pragma once
#include "base/err.h"
#include <stddef.h>
#include <stdint.h>

/* Seconds from "2", "1.5", "200ms", "2s", "5m", "1h"; never negative or infinite. AGGR_ERR_USAGE
 * with a text that quotes what was written. `text` needs no NUL; `why` may be NULL. */
enum aggr_err aggr_duration_parse(double *seconds, const char *text, size_t len,
                                  struct aggr_failure *why);

/* Bytes from "65536", "64KiB", "10MiB", "1.5GiB". AGGR_ERR_USAGE as above. */
enum aggr_err aggr_size_parse(uint64_t *bytes, const char *text, size_t len,
                              struct aggr_failure *why);
