/* Complex numbers by their parts, with NumPy's formulas: C's own product and quotient treat infinities
   in another way. */

/* A complex number of its parts. */
static inline C joined_F(T real, T imaginary)
{
    T parts[2] = {real, imaginary};
    C z;
    memcpy(&z, parts, sizeof z);
    return z;
}

/* The real part. */
static inline R real_Z(T z)
{
    R parts[2];
    memcpy(parts, &z, sizeof z);
    return parts[0];
}

/* The imaginary part. */
static inline R imaginary_Z(T z)
{
    R parts[2];
    memcpy(parts, &z, sizeof z);
    return parts[1];
}

/* The conjugate. */
static inline T conj_Z(T z)
{
    return joined_R(real_Z(z), -imaginary_Z(z));
}

/* The product. */
static inline T times_Z(T x, T y)
{
    R a = real_Z(x), b = imaginary_Z(x), c = real_Z(y), d = imaginary_Z(y);
    return joined_R(a * c - b * d, a * d + b * c);
}

/* The quotient (R. Smith, Algorithm 116, 1962). */
static inline T over_Z(T x, T y)
{
    R a = real_Z(x), b = imaginary_Z(x), c = real_Z(y), d = imaginary_Z(y);
    if (fabs_R(c) >= fabs_R(d)) {
        if (c == 0 && d == 0)
            return joined_R(a / fabs_R(c), b / fabs_R(c));
        R ratio = d / c, scale = 1 / (c + d * ratio);
        return joined_R((a + b * ratio) * scale, (b - a * ratio) * scale);
    }
    R ratio = c / d, scale = 1 / (d + c * ratio);
    return joined_R((a * ratio + b) * scale, (b * ratio - a) * scale);
}

/* The absolute value. */
static inline R fabs_Z(T z)
{
    return hypot_R(real_Z(z), imaginary_Z(z));
}

/* The angle to the real axis. */
static inline R angle_Z(T z)
{
    return atan2_R(imaginary_Z(z), real_Z(z));
}
