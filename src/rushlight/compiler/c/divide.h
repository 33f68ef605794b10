/* Quotients and rests of floats, as NumPy and torch have them. */

/* The whole number below x / y, without the error of that quotient (as Python's //). */
static inline T floor_divide_F(T x, T y)
{
    T rest = fmod_T(x, y), quotient = (x - rest) / y;
    quotient -= (rest != 0) & ((y < 0) != (rest < 0));
    T below = floor_T(quotient);
    below += quotient - below > 0.5f ? 1 : 0;
    below = quotient == 0 ? copysign_T(0, x / y) : below;
    return y == 0 ? x / y : below;
}

/* What is left, with the sign of y; a zero has the sign of x. */
static inline T remainder_F(T x, T y)
{
    T rest = fmod_T(x, y);
    rest = ((rest != 0) & ((y < 0) != (rest < 0)) & (y != 0)) ? rest + y : rest;
    return rest == 0 ? copysign_T(rest, x) : rest;
}

/* The quotient, rounded towards 0. */
static inline T trunc_divide_F(T x, T y)
{
    return trunc_T(x / y);
}
