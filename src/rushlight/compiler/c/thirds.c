/* Products by matrix registers: eight of 16 rows by 64 bytes, which here hold 16 by 32 bfloat16.
 *
 * A float is the sum of three numbers of 8 bits, and a product of floats that of six products of these:
 * the other three are smaller than what rounding leaves out. What is packed are squares of 16 by 16 pairs,
 * of each the three parts; a pair is what stands 16 steps of the inner dimension from each other. Two
 * squares beside each other come together, as 32 rows or columns by 32 steps: 1536 pairs. */
typedef int32_t vpairs __attribute__((vector_size(64)));
typedef uint32_t vbits __attribute__((vector_size(64)));
typedef int32_t vpairs_there __attribute__((vector_size(64), may_alias));
static const struct { uint8_t palette, start, nothing[14]; uint16_t bytes[16]; uint8_t rows[16]; } matrices
    __attribute__((aligned(64))) = {1, 0, {0}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};
#define MATRIX_BEGIN() __asm__ volatile("ldtilecfg %0" : : "m"(matrices))
#define MATRIX_END() __asm__ volatile("tilerelease")
#define MATRIX_ZERO(t) __asm__ volatile("tilezero %%tmm" #t : :)
#define MATRIX_LOAD(t, from, step) \
    __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #t : : "r"(from), "r"((long)(step)) : "memory")
#define MATRIX_STORE(t, to, step) \
    __asm__ volatile("tilestored %%tmm" #t ", (%0,%1,1)" : : "r"(to), "r"((long)(step)) : "memory")
#define MATRIX_DOT(c, a, b) __asm__ volatile("tdpbf16ps %%tmm" #b ", %%tmm" #a ", %%tmm" #c : :)

INLINE_float int no_bits(vpairs x)
{
    int32_t any = 0;
    for (int i = 0; i < 16; i++)
        any |= x[i];
    return !any;
}
INLINE_float int all_numbers(vfloat x) { return no_bits(x != x); }

/* Sixteen pairs in three parts; what is left is no number where x or y is not finite. careful: then, too,
 * the parts add up to x and y. */
INLINE_float vfloat thirds_of(vfloat x, vfloat y, int careful, int32_t *to)
{
    const vpairs upper = (vpairs){0} + (int32_t)0xffff0000, half = (vpairs){0} + 0x8000;
    vpairs x1 = (vpairs)x & upper, y1 = (vpairs)y & upper;
    vfloat left_x = x - (vfloat)x1, left_y = y - (vfloat)y1;
    if (careful) {
        left_x = (vfloat)((vpairs)left_x & (x - x == 0)), left_y = (vfloat)((vpairs)left_y & (y - y == 0));
        x1 |= (x != x) & 0x400000, y1 |= (y != y) & 0x400000;
    }
    *(vpairs_there *)to = y1 | (vpairs)((vbits)x1 >> 16);
    const vpairs x2 = ((vpairs)left_x + half) & upper, y2 = ((vpairs)left_y + half) & upper;
    *(vpairs_there *)(to + 512) = y2 | (vpairs)((vbits)x2 >> 16);
    left_x -= (vfloat)x2, left_y -= (vfloat)y2;
    *(vpairs_there *)(to + 1024) = ((vpairs)left_y & upper) | (vpairs)((vbits)left_x >> 16);
    return left_x + left_y;
}

#define THIRDS static __attribute__((noinline)) void
/* What seldom runs is compiled to be small. */
#define SELDOM static __attribute__((noinline, cold)) void

/* Rows `step` apart, of which so many are there, and of each so many numbers; zeros elsewhere. */
THIRDS thirds_edge(vfloat *x, const float *from, long step, long rows, long lanes)
{
    for (long i = 0; i < 16; i++) {
        x[i] = (vfloat){0};
        if (i < rows && lanes >= 16)
            x[i] = vfloat_load(from + i * step);
        else
            for (long l = 0; l < lanes && i < rows; l++)
                x[i][l] = from[i * step + l];
    }
}

/* A block with rows for columns. */
THIRDS thirds_turned(vfloat *x)
{
    vfloat r[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++)
        r[i] = x[i];
    vfloat_transpose(r);
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++)
        x[i] = r[i];
}

/* A square of pairs of two blocks, some of them not finite. */
SELDOM thirds_carefully(const vfloat *x, const vfloat *y, int32_t *to)
{
    for (int i = 0; i < 16; i++)
        thirds_of(x[i], y[i], 1, to + 16 * i);
}

/* A square of pairs of two blocks, the second `ahead` numbers behind the first. */
INLINE_float void thirds_square(
    const float *from, long step, long ahead, long rows, long rows_ahead, long lanes, long lanes_ahead, int turned,
    int32_t *to)
{
    vfloat left = {0}, x[16], y[16];
    if (rows >= 16 && rows_ahead >= 16 && lanes >= 16 && lanes_ahead >= 16)
        for (long i = 0; i < 16; i++) {
            x[i] = vfloat_load(from + i * step);
            y[i] = vfloat_load(from + ahead + i * step);
        }
    else {
        thirds_edge(x, from, step, rows, lanes);
        thirds_edge(y, from + ahead, step, rows_ahead, lanes_ahead);
    }
    if (turned) {
        thirds_turned(x);
        thirds_turned(y);
    }
    for (int i = 0; i < 16; i++)
        left += thirds_of(x[i], y[i], 0, to + 16 * i);
    if (!all_numbers(left))
        thirds_carefully(x, y, to);
}

/* So many rows of a (or columns of b), and `depth` steps of the inner dimension, along which memory lies. */
INLINE_float void thirds_beside(const float *from, long step, long count, long depth, int turned, int32_t *to)
{
    for (long i = 0; i < (count + 31) / 32 * 32; i += 16)
        for (long p = 0; p < depth; p += 32)
            thirds_square(from + i * step + p, step, 16, count - i, count - i, depth - p, depth - p - 16, turned,
                          to + (i / 32 * ((depth + 31) / 32) + p / 32) * 1536 + i % 32 * 16);
}
THIRDS thirds_of_rows(const float *a, long step, long count, long depth, int32_t *to)
{
    thirds_beside(a, step, count, depth, 0, to);
}
THIRDS thirds_of_columns_turned(const float *b, long step, long count, long depth, int32_t *to)
{
    thirds_beside(b, step, count, depth, 1, to);
}

/* The same where memory lies along rows of b (or columns of a). */
INLINE_float void thirds_behind(const float *from, long step, long count, long depth, int turned, int32_t *to)
{
    for (long p = 0; p < depth; p += 32)
        for (long i = 0; i < (count + 31) / 32 * 32; i += 16)
            thirds_square(from + p * step + i, step, 16 * step, depth - p, depth - p - 16, count - i, count - i, turned,
                          to + (i / 32 * ((depth + 31) / 32) + p / 32) * 1536 + i % 32 * 16);
}
THIRDS thirds_of_columns(const float *b, long step, long count, long depth, int32_t *to)
{
    thirds_behind(b, step, count, depth, 0, to);
}
THIRDS thirds_of_rows_turned(const float *a, long step, long count, long depth, int32_t *to)
{
    thirds_behind(a, step, count, depth, 1, to);
}

#define MATRIX_DOTS() \
    do { \
        MATRIX_DOT(0, 4, 6); \
        MATRIX_DOT(1, 4, 7); \
        MATRIX_DOT(2, 5, 6); \
        MATRIX_DOT(3, 5, 7); \
    } while (0)
#define MATRIX_LEFT(part) MATRIX_LOAD(4, a + (part) * 512, 64); MATRIX_LOAD(5, a + (part) * 512 + 256, 64)
#define MATRIX_RIGHT(part) MATRIX_LOAD(6, b + (part) * 512, 64); MATRIX_LOAD(7, b + (part) * 512 + 256, 64)

/* sums [32][32], rows `step` apart, added to if there is more: 32 rows of a times 32 columns of b, so many
 * times 32 steps. */
THIRDS thirds_tile(const int32_t *a, const int32_t *b, long steps, int more, float *sums, long step)
{
    if (more) {
        MATRIX_LOAD(0, sums, 4 * step);
        MATRIX_LOAD(1, sums + 16, 4 * step);
        MATRIX_LOAD(2, sums + 16 * step, 4 * step);
        MATRIX_LOAD(3, sums + 16 * step + 16, 4 * step);
    } else {
        MATRIX_ZERO(0);
        MATRIX_ZERO(1);
        MATRIX_ZERO(2);
        MATRIX_ZERO(3);
    }
    for (long s = 0; s < steps; s++, a += 1536, b += 1536) {
        MATRIX_LEFT(0);
        MATRIX_RIGHT(2);
        MATRIX_DOTS();
        MATRIX_RIGHT(1);
        MATRIX_DOTS();
        MATRIX_LEFT(1);
        MATRIX_DOTS();
        MATRIX_RIGHT(0);
        MATRIX_DOTS();
        MATRIX_LEFT(2);
        MATRIX_DOTS();
        MATRIX_LEFT(0);
        MATRIX_DOTS();
    }
    MATRIX_STORE(0, sums, 4 * step);
    MATRIX_STORE(1, sums + 16, 4 * step);
    MATRIX_STORE(2, sums + 16 * step, 4 * step);
    MATRIX_STORE(3, sums + 16 * step + 16, 4 * step);
}

/* Whether sums are finite. Where an operand is not, they are not, and may be nan instead of infinite. */
INLINE_float int thirds_finite(const float *sums, long step)
{
    vpairs left = {0}, right = {0};
    for (int i = 0; i < 32; i++) {
        const vfloat x = vfloat_load(sums + i * step), y = vfloat_load(sums + i * step + 16);
        left |= (vpairs)(x - x);
        right |= (vpairs)(y - y);
    }
    return no_bits(left | right);
}

/* c = sums [32][32], or added to c, for what of it is there. */
INLINE_float void thirds_put(const float *sums, float *c, long step, long rows, long columns, int add)
{
    for (long i = 0; i < rows && i < 32; i++) {
        float *const to = c + i * step;
        const float *const from = sums + 32 * i;
        if (columns >= 32) {
            const vfloat x = vfloat_load(from), y = vfloat_load(from + 16);
            vfloat_store(to, add ? vfloat_load(to) + x : x);
            vfloat_store(to + 16, add ? vfloat_load(to + 16) + y : y);
            continue;
        }
        long j = 0;
        for (; j + 16 <= columns; j += 16)
            vfloat_store(to + j, add ? vfloat_load(to + j) + vfloat_load(from + j) : vfloat_load(from + j));
        for (; j < columns; j++)
            to[j] = add ? to[j] + from[j] : from[j];
    }
}

/* What was packed of 32 columns of b, put together again: [32 * steps][32]. */
SELDOM thirds_together(const int32_t *b, long steps, float *to)
{
    for (long s = 0; s < steps; s++)
        for (long p = 0; p < 32; p++)
            for (long j = 0; j < 32; j++) {
                float x = 0;
                for (int part = 0; part < 3; part++) {
                    const int32_t pair = b[s * 1536 + part * 512 + j / 16 * 256 + p % 16 * 16 + j % 16];
                    const int32_t bits = p < 16 ? (int32_t)((uint32_t)pair << 16) : pair & (int32_t)0xffff0000;
                    float one;
                    memcpy(&one, &bits, sizeof one);
                    x += one;
                }
                to[(s * 32 + p) * 32 + j] = x;
            }
}

/* sums [32][32] by the plain formula: rows of a times b [depth][32]. */
SELDOM thirds_plainly(
    const float *a, long down, long along, long rows, const float *b, long depth, int more, float *sums, long step)
{
    for (long i = 0; i < rows && i < 32; i++) {
        float sum[32];
        for (long j = 0; j < 32; j++)
            sum[j] = more ? sums[i * step + j] : 0;
        for (long p = 0; p < depth; p++)
            for (long j = 0; j < 32; j++)
                sum[j] += a[i * down + p * along] * b[32 * p + j];
        memcpy(sums + i * step, sum, sizeof sum);
    }
}
