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

/* x / y, rounded as a division is, where many x are divided by one y, whose inverse is in range: it is found once.
 * What is lost by rounding x times the inverse is put back (P. Markstein 1990), unless it is below the range. */
static inline float quotient_f32(float x, float y)
{
#if defined(FP_FAST_FMAF) || defined(__FMA__)
    float inverse = 1.0f / y, near = x * inverse;
    float better = fused_f32(fused_f32(-near, y, x), inverse, near);
    better = better != better ? near : better;
    return near == 0 ? near : better;
#else
    return x / y;
#endif
}
