/* One pool of threads for all compiled programs of a process.
 *
 * parallel(work, context, count, grain) calls work(context, begin, end) for ranges that together are
 * 0 to count, each a multiple of grain long but for the last. The caller works too. Ranges are dealt
 * out one by one, so that a helper that comes late finds them taken, and nobody waits for it: only
 * helpers that have entered the job are waited for. Helpers turn for a while after a job, ready for
 * the next within a microsecond, and then sleep.
 *
 * Whoever calls while a job is under way, from another thread or from inside of it, works alone. After
 * a fork the child has no helpers and starts its own when it needs them.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#define MOST 256
#define SPIN_NANOSECONDS 100000
#define RANGES_EACH 2

typedef void Work(void *context, long begin, long end);

/* The job: written while it is closed and nobody is inside. */
static Work *job_work;
static void *job_context;
static long job_count, job_range;
static atomic_long job_next;

/* Its state in one word: its number from bit 32 on, whether it is open, how many helpers are inside. */
#define OPEN (1ull << 31)
#define INSIDE(state) ((state) & 0xffff)
#define NUMBER(state) ((state) >> 32)
static atomic_ullong job;

static atomic_flag busy = ATOMIC_FLAG_INIT;
static atomic_int wanted = 1;
static int started;
static pthread_t helpers[MOST];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
static atomic_int asleep, stopping;

static void rest(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static long long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static int news(unsigned long long seen)
{
    const unsigned long long state = atomic_load(&job);
    return atomic_load(&stopping) || ((state & OPEN) && NUMBER(state) != seen);
}

/* Until there is another job than the one seen: turning at first, then asleep. */
static void await(unsigned long long seen)
{
    const long long end = now() + SPIN_NANOSECONDS;
    do
        for (int i = 0; i < 32; i++) {
            if (news(seen))
                return;
            rest();
        }
    while (now() < end);
    pthread_mutex_lock(&lock);
    atomic_fetch_add(&asleep, 1);
    while (!news(seen))
        pthread_cond_wait(&wake, &lock);
    atomic_fetch_sub(&asleep, 1);
    pthread_mutex_unlock(&lock);
}

static void take_part(void)
{
    for (;;) {
        const long begin = atomic_fetch_add(&job_next, job_range);
        if (begin >= job_count)
            return;
        job_work(job_context, begin, begin + job_range < job_count ? begin + job_range : job_count);
    }
}

static void *help(void *unused)
{
    unsigned long long seen = 0;
    (void)unused;
    for (;;) {
        await(seen);
        if (atomic_load(&stopping))
            return 0;
        unsigned long long state = atomic_load(&job);
        while ((state & OPEN) && !atomic_compare_exchange_weak(&job, &state, state + 1))
            ;
        if (state & OPEN) {
            seen = NUMBER(state);
            take_part();
            atomic_fetch_sub(&job, 1);
        }
    }
}

static void stop_helpers(void)
{
    pthread_mutex_lock(&lock);
    atomic_store(&stopping, 1);
    pthread_cond_broadcast(&wake);
    pthread_mutex_unlock(&lock);
    while (started)
        pthread_join(helpers[--started], 0);
    atomic_store(&stopping, 0);
}

static void start_helpers(int count)
{
    while (started < count && !pthread_create(&helpers[started], 0, help, 0))
        started++;
}

static void in_the_child(void)
{
    started = 0;
    atomic_store(&job, 0);
    atomic_store(&asleep, 0);
    atomic_store(&stopping, 0);
    atomic_flag_clear(&busy);
    pthread_mutex_init(&lock, 0);
    pthread_cond_init(&wake, 0);
}

__attribute__((constructor)) static void loaded(void) { pthread_atfork(0, 0, in_the_child); }

__attribute__((destructor)) static void unloaded(void) { stop_helpers(); }

/* How many threads compute from now on, the caller among them. */
void set_threads(int count) { atomic_store(&wanted, count < 1 ? 1 : count > MOST ? MOST : count); }

void parallel(Work *work, void *context, long count, long grain)
{
    const int threads = atomic_load(&wanted);
    if (threads == 1 || count <= grain || atomic_flag_test_and_set(&busy)) {
        work(context, 0, count);
        return;
    }
    if (started != threads - 1) {
        if (started > threads - 1)
            stop_helpers();
        start_helpers(threads - 1);
    }
    const long grains = (count + grain - 1) / grain, share = grains / (RANGES_EACH * threads);
    job_work = work;
    job_context = context;
    job_count = count;
    job_range = grain * (share ? share : 1);
    atomic_store(&job_next, 0);
    atomic_store(&job, ((NUMBER(atomic_load(&job)) + 1) << 32) | OPEN);
    if (atomic_load(&asleep)) {
        pthread_mutex_lock(&lock);
        pthread_cond_broadcast(&wake);
        pthread_mutex_unlock(&lock);
    }
    take_part();
    atomic_fetch_and(&job, ~OPEN);
    const long long end = now() + SPIN_NANOSECONDS;
    while (INSIDE(atomic_load(&job))) {
        rest();
        /* A helper inside may have lost its processor: to us. */
        if (now() > end)
            sched_yield();
    }
    atomic_flag_clear(&busy);
}
