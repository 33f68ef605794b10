/* Exponentials. The argument is split into a multiple of log 2, which moves the exponent, and a rest
   of at most log(2) / 2, for which there is a polynomial (W. Cody and W. Waite, Software Manual for the
   Elementary Functions, 1980). Coefficients: tools/fit_polynomials.py. No jumps: loops are vectorised. */

/* e to the power of x but for a power of 2, whose exponent stands in the last bits of what is handed in:
   3 * 2^22 leaves no bits behind the point, what is added to it is rounded. */
static inline float exp_rest_f32(float x, float shifted)
{
    float twos = shifted - 12582912.0f;
    float rest = fused_f32(twos, -0.693145752f, x);
    rest = fused_f32(twos, -1.42860677e-6f, rest);
    float p = fused_f32(0.0013813168f, rest, 0.008369418f);
    p = fused_f32(p, rest, 0.041668456f);
    p = fused_f32(p, rest, 0.16666515f);
    p = fused_f32(p, rest, 0.49999994f);
    return fused_f32(rest * rest, p, rest) + 1.0f;
}

/* e to the power of x. At most 1 unit in the last place off. */
static inline float exp_f32(float x)
{
    /* Below -104 nothing is left: masked scores, say. What nearly leaves the range takes processors long. */
    uint32_t some = (uint32_t)(x < -104.0f) - 1;
    x = x > 89.0f ? 89.0f : x;
    x = from_bits_f32((uint32_t)bits_f32(x) & some);
    float shifted = fused_f32(x, 1.44269502f, 12582912.0f), p = exp_rest_f32(x, shifted);
    /* In two steps, as the second may leave the range, or round in it. */
    int32_t power = bits_f32(shifted) - 0x4b400000, half = power >> 1;
    p *= from_bits_f32((uint32_t)(half + 127) << 23);
    p *= from_bits_f32((uint32_t)(power - half + 127) << 23);
    return from_bits_f32((uint32_t)bits_f32(p) & some);
}

/* 1 + e to the power of x, x between -80 and 89: one step stays in the range. */
static inline float one_and_exp_f32(float x)
{
    float shifted = fused_f32(x, 1.44269502f, 12582912.0f), p = exp_rest_f32(x, shifted);
    return fused_f32(p + p, from_bits_f32(((uint32_t)bits_f32(shifted) + 126) << 23), 1.0f);
}

/* The logistic function. Beyond the range of the exponential nothing changes. */
static inline float sigmoid_f32(float x)
{
    float y = -x > 89.0f ? 89.0f : -x;
    return 1.0f / one_and_exp_f32(y < -80.0f ? -80.0f : y);
}

/* The logistic function. */
static inline F sigmoid_F(F x)
{
    return 1 / (1 + exp_F(-x));
}

/* exp(x) - 1, exact for small x, too. */
static inline float expm1_f32(float x)
{
    float y = x > 89.0f ? 89.0f : x;
    y = y < -20.0f ? -20.0f : y;
    float shifted = fused_f32(y, 1.44269502f, 12582912.0f);
    float twos = shifted - 12582912.0f;
    float rest = fused_f32(twos, -0.693145752f, y);
    rest = fused_f32(twos, -1.42860677e-6f, rest);
    float p = fused_f32(0.00019845959f, rest, 0.0013941652f);
    p = fused_f32(p, rest, 0.0083333915f);
    p = fused_f32(p, rest, 0.041666348f);
    p = fused_f32(p, rest, 0.16666666f);
    p = fused_f32(p, rest, 0.5f);
    p = fused_f32(rest * rest, p, rest);
    /* Half of the power, which would overflow before the result does. */
    float half = from_bits_f32((uint32_t)(bits_f32(shifted) - 0x4b400000 + 126) << 23);
    return copysignf(fused_f32(half, p, half - 0.5f) * 2.0f, x);
}

/* e to the power of x, |x| < 700, with 38 bits: for functions in single precision. */
static inline double exp_wide(double x)
{
    double shifted = fused_f64(x, 1.4426950408889634, 6755399441055744.0);
    double twos = shifted - 6755399441055744.0;
    double rest = fused_f64(twos, -0.6931471805599453, x);
    double p = fused_f64(2.4706465896984055e-05, rest, 0.00019910293498090056);
    p = fused_f64(p, rest, 0.0013889209496593849);
    p = fused_f64(p, rest, 0.008333279727911192);
    p = fused_f64(p, rest, 0.04166666426728583);
    p = fused_f64(p, rest, 0.16666666791632764);
    p = fused_f64(p, rest, 0.5);
    p = fused_f64(rest * rest, p, rest) + 1.0;
    uint64_t power = (uint64_t)bits_f64(shifted) - UINT64_C(0x4338000000000000);
    return p * from_bits_f64((power + 1023) << 52);
}

/* 2 to the power of x. */
static inline float exp2_f32(float x)
{
    double y = x > 130.0f ? 130.0 : x;
    y = y < -152.0 ? -152.0 : y;
    return (float)exp_wide(y * 0.6931471805599453);
}

/* The hyperbolic tangent: an odd polynomial near 0, 1 - 2 / (exp(2 |x|) + 1) beyond. */
static inline float tanh_f32(float x)
{
    float a = fabsf(x), s = x * x;
    float p = fused_f32(0.002142962f, s, -0.008177399f);
    p = fused_f32(p, s, 0.021700703f);
    p = fused_f32(p, s, -0.053946763f);
    p = fused_f32(p, s, 0.13333206f);
    p = fused_f32(p, s, -0.3333333f);
    p = fused_f32(p * s, a, a);
    float far = 1.0f - 2.0f / one_and_exp_f32(a > 10.0f ? 20.0f : 2.0f * a);
    return copysignf(a < 0.625f ? p : far, x);
}
