/* parcel_tag.h -- what the values of a parcel begin with: one byte. */
#pragma once

enum aggr_parcel_tag {
    AGGR_PARCEL_NIL,
    AGGR_PARCEL_FALSE,
    AGGR_PARCEL_TRUE,
    AGGR_PARCEL_NUMBER, /* then the double */
    AGGR_PARCEL_STRING, /* then the length, 64 bits, and the bytes */
    AGGR_PARCEL_DIGITS, /* the same, of a large integer */
    AGGR_PARCEL_NONE,   /* aggr.null */
    AGGR_PARCEL_TABLE,  /* then its mark, how many items, these, keys and values, END */
    AGGR_PARCEL_SEEN,   /* then which table of the parcel it is, from 1 */
    AGGR_PARCEL_END,
};
