/* Logarithms: of the power of 2 and of a rest between sqrt(1/2) and sqrt(2). Coefficients:
   tools/fit_polynomials.py. */

/* twos log 2 + log(1 + f) + lost, f between sqrt(1/2) - 1 and sqrt(2) - 1, lost small. */
static inline float log_parts_f32(float twos, float f, float lost)
{
    float p = fused_f32(0.06748349f, f, -0.11677888f);
    p = fused_f32(p, f, 0.11888633f);
    p = fused_f32(p, f, -0.12405277f);
    p = fused_f32(p, f, 0.14219452f);
    p = fused_f32(p, f, -0.16668008f);
    p = fused_f32(p, f, 0.20002124f);
    p = fused_f32(p, f, -0.2500001f);
    p = fused_f32(p, f, 0.33333313f);
    float square = f * f;
    p = fused_f32(square * f, p, fused_f32(twos, -0.000212194442f, lost));
    p = fused_f32(square, -0.5f, p) + f;
    return fused_f32(twos, 0.693359375f, p);
}

/* The natural logarithm. At most 1 unit in the last place off. */
static inline float log_f32(float x)
{
    int32_t tiny = x < 1.17549435e-38f;
    int32_t bits = bits_f32(tiny ? x * 8388608.0f : x);
    int32_t power = (bits - 0x3f3504f3) >> 23;
    float f = from_bits_f32((uint32_t)bits - ((uint32_t)power << 23)) - 1.0f;
    float p = log_parts_f32((float)(power - (tiny ? 23 : 0)), f, 0.0f);
    p = x < INFINITY ? p : x;
    p = x < 0.0f ? NAN : p;
    return x == 0.0f ? -INFINITY : p;
}

/* log(1 + x), exact for small x, too: what is lost in 1 + x is added. */
static inline float log1p_f32(float x)
{
    float sum = 1.0f + x;
    float lost = (x > 1.0f ? 1.0f - (sum - x) : x - (sum - 1.0f)) / sum;
    int32_t bits = bits_f32(sum);
    int32_t power = (bits - 0x3f3504f3) >> 23;
    int32_t small = (x > -0.2928f) & (x < 0.4142f);
    float f = from_bits_f32((uint32_t)bits - ((uint32_t)power << 23)) - 1.0f;
    float p = log_parts_f32(small ? 0.0f : (float)power, small ? x : f, small ? 0.0f : lost);
    p = sum < INFINITY ? p : sum;
    p = sum < 0.0f ? NAN : p;
    return copysignf(sum == 0.0f ? -INFINITY : p, x);
}

/* The natural logarithm with 38 bits: for functions in single precision. */
static inline double log_wide(double x)
{
    uint64_t bits = (uint64_t)bits_f64(x);
    uint64_t above = bits - UINT64_C(0x3fe6a09e667f3bcd);
    int32_t power = (int32_t)(uint32_t)(above >> 32) >> 20;
    double m = from_bits_f64(bits - (above & UINT64_C(0xfff0000000000000)));
    double s = (m - 1.0) / (m + 1.0), z = s * s;
    double p = fused_f64(0.09792346707878577, z, 0.11088076547771084);
    p = fused_f64(p, z, 0.1428605497944242);
    p = fused_f64(p, z, 0.19999997807398104);
    p = fused_f64(p, z, 0.33333333337910026);
    p = fused_f64(s * z, p, s) * 2.0;
    p = fused_f64((double)power, 0.6931471805599453, p);
    p = x < INFINITY ? p : x;
    p = x < 0.0 ? NAN : p;
    return x == 0.0 ? -INFINITY : p;
}

/* The logarithm to base 2. */
static inline float log2_f32(float x)
{
    return (float)(log_wide(x) * 1.4426950408889634);
}

/* The logarithm to base 10. */
static inline float log10_f32(float x)
{
    return (float)(log_wide(x) * 0.4342944819032518);
}

/* x to the power of y, within 0.51 units in the last place. */
static inline float pow_f32(float x, float y)
{
    double z = y * log_wide(fabsf(x));
    z = z > 100.0 ? 100.0 : z;
    z = z < -110.0 ? -110.0 : z;
    float power = (float)exp_wide(z);
    int32_t whole = truncf(y) == y;
    int32_t odd = whole & (truncf(0.5f * y) != 0.5f * y);
    power = odd ? copysignf(power, x) : power;
    power = ((x < 0.0f) & (x > -INFINITY) & !whole) ? NAN : power;
    power = ((fabsf(x) == 1.0f) & (fabsf(y) == INFINITY)) ? 1.0f : power;
    return ((x == 1.0f) | (y == 0.0f)) ? 1.0f : power;
}

/* x to the power of a number, by the short ways that the row `pow` takes. */
static inline T power_of_number_F(T x, double y)
{
    if (y == 1.0)
        return x;
    if (y == 2.0)
        return x * x;
    if (y == 3.0)
        return x * x * x;
    if (y == 0.5)
        return sqrt_T(x);
    if (y == -0.5)
        return 1 / sqrt_T(x);
    if (y == -1.0)
        return 1 / x;
    return y == -2.0 ? 1 / (x * x) : pow_T(x, (T)y);
}

/* log(1 + exp(x)), where neither overflows. */
static inline T softplus_F(T x)
{
    return log1p_T(exp_T(-fabs_T(x))) + maximum_T(0, x);
}

/* log(exp(x) + exp(y)), where neither overflows. */
static inline T logaddexp_F(T x, T y)
{
    T sum = (x > y ? x : y) + log1p_T(exp_T(-fabs_T(x - y)));
    return x == y ? x + (T)0.6931471805599453 : sum;
}

/* The same to base 2. */
static inline T logaddexp2_F(T x, T y)
{
    T sum = (x > y ? x : y) + (T)1.4426950408889634 * log1p_T(exp2_T(-fabs_T(x - y)));
    return x == y ? x + 1 : sum;
}
