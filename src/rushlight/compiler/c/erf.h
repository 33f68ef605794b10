/* The error function and its complement. Coefficients: tools/fit_polynomials.py. */

/* An odd polynomial near 0, 1 - exp(polynomial) beyond. At most 1 unit in the last place off. */
static inline float erf_f32(float x)
{
    float a = fabsf(x), s = x * x;
    float p = fused_f32(8.267461e-05f, s, -0.0008118075f);
    p = fused_f32(p, s, 0.00519883f);
    p = fused_f32(p, s, -0.026858497f);
    p = fused_f32(p, s, 0.11283679f);
    p = fused_f32(p, s, -0.37612632f);
    p = fused_f32(p, s, 0.12837917f);
    p = fused_f32(p, x, x);
    float b = a > 4.0f ? 4.0f : a;
    float q = fused_f32(4.6361556e-06f, b, -4.188083e-05f);
    q = fused_f32(q, b, -6.855708e-05f);
    q = fused_f32(q, b, 0.0029829268f);
    q = fused_f32(q, b, -0.022760184f);
    q = fused_f32(q, b, 0.10534499f);
    q = fused_f32(q, b, 0.6355825f);
    q = fused_f32(q, b, 0.12856106f);
    q = fused_f32(q, b, b);
    q = copysignf(1.0f - exp_f32(-q), x);
    return a < 0.9375f ? p : q;
}

/* 1 - erf(x), to the last bit for large x, too: exp(-x * x) times a polynomial in (x - 2) / (x + 2). */
static inline float erfc_f32(float x)
{
    double a = fabsf(x);
    a = a > 10.1 ? 10.1 : a;
    double t = (a - 2.0) / (a + 2.0);
    double p = fused_f64(-8.42416969304139e-06, t, -2.351812652625594e-05);
    p = fused_f64(p, t, 2.389197026115722e-05);
    p = fused_f64(p, t, 0.00017123959500435962);
    p = fused_f64(p, t, 4.486299036354734e-05);
    p = fused_f64(p, t, -0.0009808769942050177);
    p = fused_f64(p, t, -0.0008474195786656432);
    p = fused_f64(p, t, 0.006997276160276231);
    p = fused_f64(p, t, 0.0037329248141887935);
    p = fused_f64(p, t, -0.07897856791204923);
    p = fused_f64(p, t, 0.24165819263248023);
    p = fused_f64(p, t, -0.4271858476637355);
    p = fused_f64(p, t, 0.25539567632432464);
    p *= exp_wide(-a * a);
    return (float)(x < 0.0f ? 2.0 - p : p);
}

/* The normal distribution function: what gelu multiplies by. Right to 1.5e-7 absolutely; its exponential is
   the one of gelu's derivative, which is computed once for both. */
static inline float normal_f32(float x)
{
    float a = fabsf(x), u = (a > 5.0f ? 5.0f : a) - 2.5f;
    float p = fused_f32(6.235827e-08f, u, 1.8758124e-07f);
    p = fused_f32(p, u, 3.9574083e-08f);
    p = fused_f32(p, u, -2.514443e-06f);
    p = fused_f32(p, u, 1.1032084e-06f);
    p = fused_f32(p, u, -1.1355633e-05f);
    p = fused_f32(p, u, 6.987369e-05f);
    p = fused_f32(p, u, -0.00025609895f);
    p = fused_f32(p, u, 0.0010116523f);
    p = fused_f32(p, u, -0.0038345929f);
    p = fused_f32(p, u, 0.013648856f);
    p = fused_f32(p, u, -0.045613334f);
    p = fused_f32(p, u, 0.14133137f);
    p *= exp_f32(x * x * -0.5f);
    return x < 0.0f ? p : 1.0f - p;
}

/* The same in double precision, to the last bits. */
static inline double normal_f64(double x)
{
    return 0.5 * erfc(x * -0.7071067811865476);
}
