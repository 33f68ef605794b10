/* What the functions of the other files are made of. A name that ends in _T is written for each type. */

/* x * y + z: rounded once where the processor does both at once, else twice. */
static inline float fused_f32(float x, float y, float z)
{
#if defined(FP_FAST_FMAF) || defined(__FMA__)
    return fmaf(x, y, z);
#else
    return x * y + z;
#endif
}

/* The same in double precision. */
static inline double fused_f64(double x, double y, double z)
{
#if defined(FP_FAST_FMA) || defined(__FMA__)
    return fma(x, y, z);
#else
    return x * y + z;
#endif
}

/* The bits of a number. */
static inline int32_t bits_f32(float x)
{
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* The number of these bits. */
static inline float from_bits_f32(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The bits of a number. */
static inline int64_t bits_f64(double x)
{
    int64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* The number of these bits. */
static inline double from_bits_f64(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}
