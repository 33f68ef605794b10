/* Loops in which each step needs the one before, element by element: NumPy has no words for them.
 *
 * They stand for loops in Python, or many passes of NumPy's (rushlight/random), give the same bits, and are taken as soon as they are
 * compiled (rushlight/heavy.py).
 */
/* Swap each of n places, from start on, with one from itself to the end: the next word says which. */
void swap_each(long long *place, const unsigned *words, long start, long count, long n) {
    for (long i = start; i < start + count; i++) {
        long partner = i + words[i - start] % (unsigned)(n - i);
        long long kept = place[i];
        place[i] = place[partner];
        place[partner] = kept;
    }
}

/* A count of Poisson's distribution from uniform numbers, and how many of these it took; -1 if there are
 * too few. The formulas and their sources are those of `rejection.py`. */
static long one_poisson(double rate, const double *uniform, long have, double *count) {
    long used = 0;
    *count = 0;
    if (rate == 0) return 0;
    if (rate < 10) {
        double limit = exp(-rate);
        if (used == have) return -1;
        for (double product = uniform[used++]; product > limit; product *= uniform[used++]) {
            if (used == have) return -1;
            *count += 1;
        }
        return used;
    }
    double log_rate = log(rate), b = 0.931 + 2.53 * sqrt(rate), a = -0.059 + 0.02483 * b;
    double log_inverse_alpha = log(1.1239 + 1.1328 / (b - 3.4)), accept = 0.9277 - 3.6224 / (b - 2);
    for (;;) {
        if (used + 2 > have) return -1;
        double u = uniform[used++] - 0.5, v = uniform[used++], us = 0.5 - fabs(u);
        double k = floor((2 * a / us + b) * u + rate + 0.43);
        *count = k;
        if (us >= 0.07 && v <= accept) return used;
        if (k < 0 || (us < 0.013 && v > us)) continue;
        if (log(v) + log_inverse_alpha - log(a / (us * us) + b) <= -rate + k * log_rate - lgamma(k + 1)) return used;
    }
}

/* Counts for rates, as far as the uniform numbers last; how many were made, and how many numbers that took. */
long poisson(const double *rates, double *counts, long n, const double *uniform, long have, long *used) {
    *used = 0;
    for (long i = 0; i < n; i++) {
        long more = one_poisson(rates[i], uniform + *used, have - *used, counts + i);
        if (more < 0) return i;
        *used += more;
    }
    return n;
}

/* What `random.h` draws, for eager programs. */
void draw_coins(uint32_t *twister, float *to, long count, int64_t below) { draw_coins_f32(twister, to, count, below, 1); }
void draw_uniform(uint32_t *twister, float *to, long count, double start, double width, float end)
{
    draw_uniform_f32(twister, to, count, start, width, end);
}
void draw_normal(uint32_t *twister, float *to, long count, float mean, float std)
{
    draw_normal_f32(twister, to, count, mean, std);
}
