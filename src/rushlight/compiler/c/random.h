/* Random numbers from the memory of a Mersenne Twister: 624 words, and where it stands in them. What is
 * drawn, and how numbers are made of it, is that of `rushlight/random`, bit for bit. */

/* The next 624 words (M. Matsumoto, T. Nishimura, "Mersenne Twister", 1998). */
static inline void twist(uint32_t *words)
{
    for (int i = 0; i < 227; i++) {
        uint32_t y = (words[i] & 0x80000000u) | (words[i + 1] & 0x7fffffffu);
        words[i] = words[i + 397] ^ (y >> 1) ^ (-(y & 1) & 0x9908b0dfu);
    }
    for (int i = 227; i < 623; i++) {
        uint32_t y = (words[i] & 0x80000000u) | (words[i + 1] & 0x7fffffffu);
        words[i] = words[i - 227] ^ (y >> 1) ^ (-(y & 1) & 0x9908b0dfu);
    }
    uint32_t y = (words[623] & 0x80000000u) | (words[0] & 0x7fffffffu);
    words[623] = words[396] ^ (y >> 1) ^ (-(y & 1) & 0x9908b0dfu);
    words[624] = 0;
}

/* So many numbers of 32 bits. */
static inline void draw_words(uint32_t *twister, uint32_t *restrict to, long count)
{
    while (count) {
        if (twister[624] == 624) twist(twister);
        const long left = 624 - (long)twister[624], n = left < count ? left : count;
        const uint32_t *from = twister + twister[624];
        for (long i = 0; i < n; i++) {
            uint32_t y = from[i];
            y ^= y >> 11;
            y ^= (y << 7) & 0x9d2c5680u;
            y ^= (y << 15) & 0xefc60000u;
            to[i] = y ^ (y >> 18);
        }
        twister[624] += (uint32_t)n;
        to += n;
        count -= n;
    }
}

/* `yes` with a probability of below / 2^53, and 0 elsewhere. */
static inline void draw_coins_F(uint32_t *twister, T *restrict to, long count, int64_t below, T yes)
{
    uint32_t words[1024];
    for (long done = 0; done < count; done += 512) {
        const long n = count - done < 512 ? count - done : 512;
        draw_words(twister, words, 2 * n);
        for (long i = 0; i < n; i++) {
            int64_t draw = (int64_t)(words[2 * i] & 0x1fffffu) << 32 | words[2 * i + 1];
            to[done + i] = draw < below ? yes : 0;
        }
    }
}

/* Uniform from start on, over a width; what rounding brings to the end is the start. */
static inline void draw_uniform_f32(uint32_t *twister, float *restrict to, long count, double start, double width,
    float end)
{
    uint32_t words[1024];
    const int unit = start == 0 && width == 1;
    for (long done = 0; done < count; done += 1024) {
        const long n = count - done < 1024 ? count - done : 1024;
        draw_words(twister, words, n);
        for (long i = 0; i < n; i++) {
            float u = (float)(int32_t)(words[i] & 0xffffffu) * 0x1p-24f;
            float value = start == 0 ? u * (float)width : (float)((double)u * width + start);
            value = value == end ? (float)start : value;
            to[done + i] = unit ? u : value;
        }
    }
}

/* The same in double precision, of a width of 1 or from 0 on. */
static inline void draw_uniform_f64(uint32_t *twister, double *restrict to, long count, double start, double width,
    double end)
{
    uint32_t words[1024];
    const int unit = start == 0 && width == 1;
    for (long done = 0; done < count; done += 512) {
        const long n = count - done < 512 ? count - done : 512;
        draw_words(twister, words, 2 * n);
        for (long i = 0; i < n; i++) {
            double u = (double)((int64_t)(words[2 * i] & 0x1fffffu) << 32 | words[2 * i + 1]) * 0x1p-53;
            double value = u * width + start;
            value = value == end ? start : value;
            to[done + i] = unit ? u : value;
        }
    }
}

/* Whole numbers from start on, below start + span. */
static inline void draw_integers_i64(uint32_t *twister, int64_t *restrict to, long count, int64_t start, int64_t span)
{
    uint32_t words[1024];
    const int wide = span >= 1 << 28;
    for (long done = 0; done < count; done += 512) {
        const long n = count - done < 512 ? count - done : 512;
        draw_words(twister, words, wide ? 2 * n : n);
        if (wide)
            for (long i = 0; i < n; i++)
                to[done + i] = start + (int64_t)(((uint64_t)words[2 * i] << 32 | words[2 * i + 1]) % (uint64_t)span);
        else
            for (long i = 0; i < n; i++) to[done + i] = start + words[i] % (uint32_t)span;
    }
}

/* The logarithm of a float in (0, 1], as `random/boxmuller.py` rounds it. */
static inline float normal_log(float x)
{
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const int32_t exponent = (bits - 0x3f3504f3) >> 23;
    bits -= (int32_t)((uint32_t)exponent << 23);
    memcpy(&x, &bits, sizeof x);
    x -= 1.0f;
    const double wide = x;
    double term = wide * (double)7.0376836292e-2f;
    term = wide * (float)(term + (double)-1.1514610310e-1f);
    term = wide * (float)(term + (double)1.1676998740e-1f);
    term = wide * (float)(term + (double)-1.2420140846e-1f);
    term = wide * (float)(term + (double)1.4249322787e-1f);
    term = wide * (float)(term + (double)-1.6668057665e-1f);
    term = wide * (float)(term + (double)2.0000714765e-1f);
    term = wide * (float)(term + (double)-2.4999993993e-1f);
    term = wide * (float)(term + (double)3.3333331174e-1f);
    const float z = x * x, e = (float)exponent;
    float y = (float)((double)(float)term * z + e * -2.12194440e-4f);
    y -= z * 0.5f;
    x += y;
    return x + e * 0.693359375f;
}

/* A cosine, and a sine, of an angle in [0, 2 pi), times a radius, as there. */
static inline void normal_pair(float x, float radius, float *restrict first, float *restrict second)
{
    const int32_t octant = ((int32_t)(x * 1.27323954473516f) + 1) & -2;
    const float part = (float)octant;
    x -= part * 0.78515625f;
    x -= part * 2.4187564849853515625e-4f;
    x -= part * 3.77489497744594108e-8f;
    const float z = x * x;
    const double wide = z;
    float c = (float)(wide * (double)2.443315711809948e-5f + (double)-1.388731625493765e-3f);
    float s = (float)(wide * (double)-1.9515295891e-4f + (double)8.3321608736e-3f);
    c = (float)((double)c * wide + (double)4.166664568298827e-2f) * z;
    s = (float)((double)s * wide + (double)-1.6666654611e-1f) * z;
    c = (float)((double)c * wide - (double)(z * 0.5f)) + 1.0f;
    s = (float)((double)s * (double)x + (double)x);
    const float cosine = octant & 2 ? s : c, sine = octant & 2 ? c : s;
    *first = ((octant + 2) & 4 ? -cosine : cosine) * radius;
    *second = (octant & 4 ? -sine : sine) * radius;
}

/* Sixteen normal numbers from sixteen words. */
static inline void normal_block(const uint32_t *restrict words, float *restrict to, float mean, float std)
{
    for (int i = 0; i < 8; i++) {
        float u = (float)(int32_t)(words[i] & 0xffffffu) * 0x1p-24f;
        float v = (float)(int32_t)(words[i + 8] & 0xffffffu) * 0x1p-24f;
        normal_pair(v * 6.283185307179586f, sqrtf(normal_log(1.0f - u) * -2.0f), to + i, to + i + 8);
    }
    for (int i = 0; i < 16; i++) {
        float shifted = std == 1 ? to[i] + mean : (float)((double)to[i] * std + mean);
        to[i] = mean == 0 ? to[i] * std + 0.0f : shifted;
    }
}

/* Sixteen normal numbers or more; the last sixteen are made anew where they are no whole block. */
static inline void draw_normal_f32(uint32_t *twister, float *restrict to, long count, float mean, float std)
{
    uint32_t words[512];
    const long whole = count & ~15L, rest = count - whole;
    for (long done = 0; done < whole; done += 512) {
        const long n = whole - done < 512 ? whole - done : 512;
        draw_words(twister, words, n);
        for (long i = 0; i < n; i += 16) normal_block(words + i, to + done + i, mean, std);
    }
    if (rest) {
        draw_words(twister, words, rest);
        draw_words(twister, words, 16);
        normal_block(words, to + count - 16, mean, std);
    }
}
