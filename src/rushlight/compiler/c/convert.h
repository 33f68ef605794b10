/* Floats as whole numbers. What does not fit, which C leaves undefined, gives what x86 gives: the least. */

/* As a whole number of 32 bits. */
static inline int32_t to_i32_F(T x)
{
    return ((x >= -2147483648.0f) & (x < 2147483648.0f)) ? (int32_t)x : INT32_MIN;
}

/* As a whole number of 64 bits. */
static inline int64_t to_i64_F(T x)
{
    return ((x >= -9223372036854775808.0f) & (x < 9223372036854775808.0f)) ? (int64_t)x : INT64_MIN;
}

/* As a whole number of 32 bits without a sign. */
static inline uint32_t to_u32_F(T x)
{
    int32_t large = x >= 2147483648.0f;
    return (uint32_t)to_i32_F(large ? x - 2147483648.0f : x) + ((uint32_t)large << 31);
}

/* As a whole number of 64 bits without a sign. */
static inline uint64_t to_u64_F(T x)
{
    int64_t large = x >= 9223372036854775808.0f;
    return (uint64_t)to_i64_F(large ? x - 9223372036854775808.0f : x) + ((uint64_t)large << 63);
}
