/* Choices with NumPy's answers for nan and for zeros of two signs. */

/* The larger; nan if one is. Of two equal zeros the second. */
static inline T maximum_T(T x, T y)
{
    return ((x > y) | (x != x)) ? x : y;
}

/* The smaller; nan if one is. Of two equal zeros the second. */
static inline T minimum_T(T x, T y)
{
    return ((x < y) | (x != x)) ? x : y;
}

/* x between two limits; nan, and a zero of either sign, stays. */
static inline T clip_T(T x, T low, T high)
{
    x = x < low ? low : x;
    return x > high ? high : x;
}

/* The larger; if one is nan the other, and of equal ones the first. */
static inline T fmax_T(T x, T y)
{
    return ((x >= y) | (y != y)) ? x : y;
}

/* The smaller; if one is nan the other, and of equal ones the first. */
static inline T fmin_T(T x, T y)
{
    return ((x <= y) | (y != y)) ? x : y;
}

/* Whether there is a minus, be it before a zero. */
static inline int signbit_F(T x)
{
    return copysign_T(1, x) < 0;
}

/* Whether there is a minus. */
static inline int signbit_I(T x)
{
    return x < 0;
}

/* The angle of a real number in the complex plane: 0 or pi. */
static inline T angle_F(T x)
{
    return x < 0 ? (T)3.141592653589793 : x != x ? x : 0;
}
