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

/* Sixteen pairs in three parts. careful: they add up to x and y where these are not finite, too. */
INLINE_float void thirds_of(vfloat x, vfloat y, int careful, int32_t *to)
{
    const vpairs upper = (vpairs){0} + (int32_t)0xffff0000, half = (vpairs){0} + 0x8000;
    vpairs x1 = (vpairs)x & upper, y1 = (vpairs)y & upper;
    vfloat left_x = x - (vfloat)x1, left_y = y - (vfloat)y1;
    if (careful) {
        left_x = (vfloat)((vpairs)left_x & (x - x == 0)), left_y = (vfloat)((vpairs)left_y & (y - y == 0));
        x1 |= (x != x) & 0x400000, y1 |= (y != y) & 0x400000;
    }
    *(vpairs_there *)(to + 1024) = y1 | (vpairs)((vbits)x1 >> 16);
    const vpairs x2 = ((vpairs)left_x + half) & upper, y2 = ((vpairs)left_y + half) & upper;
    *(vpairs_there *)(to + 512) = y2 | (vpairs)((vbits)x2 >> 16);
    left_x -= (vfloat)x2, left_y -= (vfloat)y2;
    *(vpairs_there *)to = ((vpairs)left_y & upper) | (vpairs)((vbits)left_x >> 16);
}

#define THIRDS static __attribute__((noinline)) void
/* What seldom runs is compiled to be small. */
#define SELDOM static __attribute__((noinline, cold)) void

/* What is packed: `count` rows of a, or columns of b, and `depth` steps of the inner dimension, along which
 * memory lies, or (across) along the others. It goes square by square, and a square in six parts, which stand
 * between the products of a tile: vectors have nothing else to do meanwhile. */
typedef struct {
    const float *from;
    long step;
    int across, turned;
    long count, depth, i, p, squares;
    int32_t *to, *other;
    /* Not finite where a number is so large that sums of products may not be. */
    vfloat large;
    /* The square at hand: rows of its two blocks, so far apart, and where it goes. */
    const float *block[2];
    long apart[2];
    int32_t *square;
    vfloat copies[2][16];
} thirds_work;

/* A block of 16 by 16, of which so many rows are there, and of each so many numbers; zeros elsewhere. */
SELDOM thirds_edge(vfloat *x, const float *from, long step, long rows, long lanes)
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
THIRDS thirds_turned(vfloat *x, const float *from, long step)
{
    vfloat r[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++)
        r[i] = vfloat_load(from + i * step);
    vfloat_transpose(r);
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++)
        x[i] = r[i];
}

/* The first two parts of a square: its blocks, the second 16 steps behind the first. */
INLINE_float void thirds_block(thirds_work *w, int second)
{
    const long p = w->p + 16 * second;
    const long rows = w->across ? w->depth - p : w->count - w->i, lanes = w->across ? w->count - w->i : w->depth - p;
    const float *from = w->from + (w->across ? p * w->step + w->i : w->i * w->step + p);
    /* Rows far apart are nothing that a processor sees coming: some squares ahead they are sent for. */
    if (w->across) {
        const float *const later = from + (w->count <= 32 ? 32 : 64 * w->step);
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++)
            __builtin_prefetch(later + i * w->step, 0, 2);
    }
    vfloat *const copy = w->copies[second];
    long apart = w->step;
    if (rows < 16 || lanes < 16) {
        thirds_edge(copy, from, apart, rows, lanes);
        from = (const float *)copy, apart = 16;
    }
    if (w->turned) {
        thirds_turned(copy, from, apart);
        from = (const float *)copy, apart = 16;
    }
    w->block[second] = from;
    w->apart[second] = apart;
    w->square = w->to + (w->i / 32 * ((w->depth + 31) / 32) + w->p / 32) * 1536 + w->i % 32 * 16;
}

INLINE_float int is_finite(vfloat x) { return no_bits((vpairs)(x - x)); }

/* A square again, in which something may not be finite. */
SELDOM thirds_carefully(thirds_work *w)
{
    for (long i = 0; i < 16; i++)
        thirds_of(vfloat_load(w->block[0] + i * w->apart[0]), vfloat_load(w->block[1] + i * w->apart[1]), 1,
                  w->square + 16 * i);
}

/* The other four: four rows each. */
INLINE_float void thirds_rows(thirds_work *w, int part)
{
    vfloat large = w->large;
    for (long i = 4 * part; i < 4 * part + 4; i++) {
        const vfloat x = vfloat_load(w->block[0] + i * w->apart[0]), y = vfloat_load(w->block[1] + i * w->apart[1]);
        thirds_of(x, y, 0, w->square + 16 * i);
        large = vfloat_fma(x, vfloat_of(0x1p77f), vfloat_fma(y, vfloat_of(0x1p77f), large));
    }
    w->large = large;
    if (part < 3)
        return;
    if (!is_finite(large))
        thirds_carefully(w);
    w->squares--;
    if (w->across) {
        w->i += 16;
        if (w->i >= (w->count + 31) / 32 * 32)
            w->i = 0, w->p += 32;
    } else {
        w->p += 32;
        if (w->p >= w->depth)
            w->p = 0, w->i += 16;
    }
}

/* Rows `step` apart, to be packed to one place and another in turn. */
THIRDS thirds_begin(thirds_work *w, long step, int across, int turned, int32_t *to, int32_t *other)
{
    w->step = step, w->across = across, w->turned = turned, w->to = other, w->other = to;
    w->squares = 0, w->large = (vfloat){0};
}

/* Packs what is left of one piece, says where it lies, and begins with the next; wild: something is large. */
static __attribute__((noinline)) const int32_t *thirds_next(
    thirds_work *w, const float *from, long count, long depth, int *wild)
{
    while (w->squares) {
        thirds_block(w, 0);
        thirds_block(w, 1);
        for (int part = 0; part < 4; part++)
            thirds_rows(w, part);
    }
    *wild |= !is_finite(w->large);
    const int32_t *const packed = w->to;
    w->to = w->other, w->other = (int32_t *)packed;
    w->from = from, w->count = count, w->depth = depth, w->i = w->p = 0, w->large = (vfloat){0};
    w->squares = count > 0 ? (count + 31) / 32 * ((depth + 31) / 32) * 2 : 0;
    return packed;
}

/* The same for one piece; returns whether something is large. */
static __attribute__((noinline)) int thirds_pack(
    const float *from, long step, int across, int turned, long count, long depth, int32_t *to)
{
    thirds_work w;
    int wild = 0;
    thirds_begin(&w, step, across, turned, to, to);
    thirds_next(&w, from, count, depth, &wild);
    thirds_next(&w, from, 0, depth, &wild);
    return wild;
}

#define MATRIX_DOTS() \
    do { \
        MATRIX_DOT(0, 4, 6); \
        MATRIX_DOT(1, 4, 7); \
        MATRIX_DOT(2, 5, 6); \
        MATRIX_DOT(3, 5, 7); \
    } while (0)
#define MATRIX_LEFT(part) MATRIX_LOAD(4, a + (2 - part) * 512, 64); MATRIX_LOAD(5, a + (2 - part) * 512 + 256, 64)
#define MATRIX_RIGHT(part) MATRIX_LOAD(6, b + (2 - part) * 512, 64); MATRIX_LOAD(7, b + (2 - part) * 512 + 256, 64)

/* sums [32][32], rows `step` apart, added to if there is more: 32 rows of a times 32 columns of b, so many
 * times 32 steps. Meanwhile a square of w is packed, for each of these. */
THIRDS thirds_tile(
    const int32_t *a, const int32_t *b, long steps, int more, float *sums, long step, thirds_work *w)
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
        const int packs = w->squares > 0;
        MATRIX_LEFT(0);
        MATRIX_RIGHT(2);
        MATRIX_DOTS();
        if (packs)
            thirds_block(w, 0);
        MATRIX_RIGHT(1);
        MATRIX_DOTS();
        if (packs)
            thirds_block(w, 1);
        MATRIX_LEFT(1);
        MATRIX_DOTS();
        if (packs)
            thirds_rows(w, 0);
        MATRIX_RIGHT(0);
        MATRIX_DOTS();
        if (packs)
            thirds_rows(w, 1);
        MATRIX_LEFT(2);
        MATRIX_DOTS();
        if (packs)
            thirds_rows(w, 2);
        MATRIX_LEFT(0);
        MATRIX_DOTS();
        if (packs)
            thirds_rows(w, 3);
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
