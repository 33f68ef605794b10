/* $TITLE. Written by rushlight. */
#ifndef ${UPPER}_H
#define ${UPPER}_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How many elements the arrays have. */
$SIZES

$OPTIONS

$STATE

/* Arrays lie in row order, those written apart from all others:
$ARRAYS
   Returns 0, or another number if a condition of the program did not hold: see ${STEM}_error. What is
   written by then is not taken back. One call at a time. */
$PROTOTYPE;
const char *${STEM}_error(int status);

#ifdef __cplusplus
}
#endif

#endif
