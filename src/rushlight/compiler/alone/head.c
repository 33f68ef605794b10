/* $TITLE, as C that stands alone. Written by rushlight.

   Build: cc -std=c99 -O3 -c $STEM.c
   With a main that reads files: cc -std=c99 -O3 -D${UPPER}_MAIN $STEM.c -lm -o $STEM

   $FIXED bytes of parameters, $TEMPORARY bytes for what is in between; all memory is static. */
#include "$STEM.h"
