/* Sine and cosine. The argument is counted in quarters of the circle, with as many digits of 2 / pi as it
   takes for the largest, too (M. Payne and R. Hanek, Radian reduction for trigonometric functions, 1983).
   Coefficients and digits: tools/fit_polynomials.py. */

/* 2 / pi times powers of 256, modulo 4, in three parts: products of the first two with a float are exact. */
static const double quarters_f32[42] = {
    0.6366197690367699, 3.3308114738561656e-09, 2.276010073078396e-18,
    2.974661722779274, 3.321549826851289e-09, 1.3669278587676741e-17,
    1.5134018808603287, 9.505711218160684e-10, 2.1327908760024993e-18,
    3.4308817386627197, 4.9276286245847345e-09, 4.76073975187604e-18,
    2.305726356804371, 2.324808220932617e-09, 1.138183720040841e-17,
    2.2659479305148125, 6.555040302225201e-09, 1.3292671471331599e-17,
    0.0826718881726265, 1.7096864618482144e-09, 2.8658837463471963e-18,
    1.1640038043260574, 5.546060333205816e-09, 1.2021273058530458e-17,
    1.9849753230810165, 4.181134952152554e-09, 1.0454797456802114e-17,
    0.15368377417325974, 4.9375250554817285e-09, 1.1892889840965575e-17,
    3.343047447502613, 4.858296362431069e-09, 5.344269375821142e-18,
    3.8201477974653244, 6.927491053021484e-09, 8.109755044395704e-18,
    1.957837924361229, 1.995295734191771e-10, 8.306908000946013e-18,
    1.206508681178093, 6.376089337067903e-09, 3.2669136465675015e-18,
};

/* The sine if shift is 0, the cosine if it is 1, of a number that is not negative. */
static inline float wave_f32(float x, int32_t shift)
{
    /* Powers of 256 that leave x a whole number. */
    int32_t power = (bits_f32(x) >> 23) - 150, row = power > 0 ? power >> 3 : 0;
    double scaled = x * from_bits_f64((uint64_t)(1023 - 8 * row) << 52);
    /* 3 * 2^51 leaves no bits behind the point: what is added is rounded, and stands in the last bits. */
    double turns = scaled * quarters_f32[3 * row];
    double whole = turns + 6755399441055744.0;
    double rest = turns - (whole - 6755399441055744.0) + scaled * quarters_f32[3 * row + 1];
    rest += scaled * quarters_f32[3 * row + 2];
    double more = rest + 6755399441055744.0;
    rest = (rest - (more - 6755399441055744.0)) * 1.5707963267948966;
    int32_t quarter = (int32_t)(bits_f64(whole) & 3) + (int32_t)(bits_f64(more) & 3) + shift;
    double s = rest * rest;
    double sine = fused_f64(2.718118599392203e-06, s, -0.0001983931195329146);
    sine = fused_f64(sine, s, 0.008333329303864443);
    sine = fused_f64(sine, s, -0.16666666640788652);
    sine = fused_f64(sine * s, rest, rest);
    double cosine = fused_f64(-2.7205726924621046e-07, s, 2.479945982377664e-05);
    cosine = fused_f64(cosine, s, -0.0013888883498817679);
    cosine = fused_f64(cosine, s, 0.04166666661947666);
    cosine = fused_f64(cosine * s, s, fused_f64(s, -0.5, 1.0));
    double value = quarter & 1 ? cosine : sine;
    return (float)(quarter & 2 ? -value : value);
}

/* The sine. */
static inline float sin_f32(float x)
{
    float value = wave_f32(fabsf(x), 0);
    return x < 0.0f ? -value : copysignf(value, x == 0.0f ? x : value);
}

/* The cosine. */
static inline float cos_f32(float x)
{
    return wave_f32(fabsf(x), 1);
}
