/* Floats of 16 bits, which are computed in single precision and rounded once, to the nearest, ties to even.
   They are held as their bits. After F. Giesen, float to half conversions done quickly, 2012. */

/* A float16 in single precision. */
static inline float widened_f16(uint16_t x)
{
    uint32_t rest = (uint32_t)(x & 0x7fff) << 13;
    float scaled = from_bits_f32(rest) * 5.192296858534828e33f;
    uint32_t bits = rest >= 0x0f800000u ? rest | 0x7f800000u : (uint32_t)bits_f32(scaled);
    return from_bits_f32(bits | (uint32_t)(x & 0x8000) << 16);
}

/* A number in single precision as a float16. */
static inline uint16_t narrowed_f16(float x)
{
    uint32_t sign = (uint32_t)bits_f32(x) & 0x80000000u, bits = (uint32_t)bits_f32(x) ^ sign;
    uint32_t large = bits > 0x7f800000u ? 0x7e00u : 0x7c00u;
    uint32_t small = (uint32_t)bits_f32(from_bits_f32(bits) + 0.5f) - 0x3f000000u;
    uint32_t normal = (bits - 0x38000000u + 0xfffu + (bits >> 13 & 1u)) >> 13;
    uint32_t value = bits >= 0x47800000u ? large : bits < 0x38800000u ? small : normal;
    return (uint16_t)(value | sign >> 16);
}

/* A bfloat16 in single precision. */
static inline float widened_bf16(uint16_t x)
{
    return from_bits_f32((uint32_t)x << 16);
}

/* A number in single precision as a bfloat16. */
static inline uint16_t narrowed_bf16(float x)
{
    uint32_t bits = (uint32_t)bits_f32(x);
    uint32_t rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
    return (uint16_t)(x != x ? bits >> 16 | 0x40u : rounded);
}

/* A number in double precision, in single so that it can be rounded once more without harm: to odd. */
static inline float to_odd_f64(double x)
{
    float near = (float)x;
    uint32_t bits = (uint32_t)bits_f32(near);
    bits -= fabs((double)near) > fabs(x);
    return ((double)near == x) | (x != x) ? near : from_bits_f32(bits | 1u);
}
