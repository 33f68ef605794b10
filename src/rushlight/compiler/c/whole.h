/* Whole numbers: nothing here is undefined in C. Small ones are computed in 32 bits. */

/* The quotient, rounded down; 0 for a division by 0. */
static inline T floor_divide_I(T x, T y)
{
    if (y == 0)
        return 0;
    if ((T)-1 < 0 && y == (T)-1)
        return (T)(0 - (U)x);
    return x / y - ((x % y != 0) & ((x < 0) != (y < 0)));
}

/* The quotient, rounded towards 0; 0 for a division by 0. */
static inline T trunc_divide_I(T x, T y)
{
    if (y == 0)
        return 0;
    return (T)-1 < 0 && y == (T)-1 ? (T)(0 - (U)x) : x / y;
}

/* The rest of the division that rounds towards 0; 0 for a division by 0. */
static inline T fmod_I(T x, T y)
{
    return y == 0 || ((T)-1 < 0 && y == (T)-1) ? 0 : x % y;
}

/* The rest of the division that rounds down, which has the sign of y. */
static inline T remainder_I(T x, T y)
{
    T rest = fmod_I(x, y);
    return (rest != 0) & ((rest < 0) != (y < 0)) ? rest + y : rest;
}

/* x to the power of y, wrapping around. Of the whole numbers only 1 and -1 have negative powers: else 0. */
static inline T pow_I(T x, T y)
{
    U result = 1, factor = (U)x;
    if (y < 0)
        return x == 1 ? 1 : x != (T)-1 ? 0 : y & 1 ? x : 1;
    for (; y; y >>= 1) {
        result *= y & 1 ? factor : 1;
        factor *= factor;
    }
    return (T)result;
}

/* The greatest common divisor. */
static inline T gcd_I(T x, T y)
{
    U a = x < 0 ? 0 - (U)x : (U)x, b = y < 0 ? 0 - (U)y : (U)y;
    while (b) {
        U rest = a % b;
        a = b;
        b = rest;
    }
    return (T)a;
}

/* The least common multiple, wrapping around. */
static inline T lcm_I(T x, T y)
{
    U a = x < 0 ? 0 - (U)x : (U)x, b = y < 0 ? 0 - (U)y : (U)y, divisor = (U)gcd_I(x, y);
    return divisor ? (T)(a / divisor * b) : 0;
}

/* The absolute value; the least number, which has none, stays. */
static inline T fabs_I(T x)
{
    return x < 0 ? (T)(0 - (U)x) : x;
}

/* The bits moved up; all out for a shift as wide as the number, or a negative one. */
static inline T left_shift_I(T x, T y, int bits)
{
    return (U)y < (U)bits ? (T)((U)x << y) : 0;
}

/* The bits moved down. */
static inline T right_shift_I(T x, T y, int bits)
{
    return (U)y < (U)bits ? x >> y : -(x < 0);
}

/* What rounds floats leaves whole numbers as they are. */
static inline T ceil_I(T x)
{
    return x;
}

/* The same. */
static inline T floor_I(T x)
{
    return x;
}

/* The same. */
static inline T trunc_I(T x)
{
    return x;
}
