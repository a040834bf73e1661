/* json_format.h -- doubles as text: the fewest digits that read back as the same number.
 *
 * Pure, whatever the locale. Whole numbers up to 2^53 are written in full, -0 with its sign; others
 * as JavaScript writes them, but with an exponent when they are beyond 2^53, so that what reads the
 * text does not take them for an integer that knows all its digits.
 *
 * Our own, since what JSON holds is whole numbers and short decimals, for which no general
 * algorithm is needed; what is left is exact integer arithmetic in 128 bits, and printf for what is
 * very small or large. Nanoseconds per number (the same machine and minute; libraries through a C++
 * shim, which would also make libstdc++ a dependency):
 *
 *                           integers  2 decimals  6 decimals  random()  random bits
 *   this                        15         23          33         39        2107
 *   std::to_chars (GCC 12)      29         53          59         56          44
 *   double-conversion 3.2.1     66         68          82         89         123
 *   %.15g, %.16g, %.17g        187        273         333        566        1459
 */
#pragma once

enum { AGGR_JSON_FORMAT_BYTES = 32 };

/* Writes a finite number, at most AGGR_JSON_FORMAT_BYTES, and returns what is behind it. */
char *aggr_json_format(char *out, double value);
