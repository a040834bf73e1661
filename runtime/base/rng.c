#include "base/rng.h"
#include "base/err.h"
#include <sys/random.h>

/* xoshiro256** 1.0 by Blackman and Vigna, seeded by splitmix64, as they recommend. */

static uint64_t rotate(uint64_t x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void aggr_rng_init(struct aggr_rng *rng, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        rng->state[i] = splitmix(&seed);
}

uint64_t aggr_rng_next(struct aggr_rng *rng)
{
    uint64_t *s = rng->state;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate(s[3], 45);
    return result;
}

double aggr_rng_uniform(struct aggr_rng *rng)
{
    return (double)(aggr_rng_next(rng) >> 11) * 0x1p-53;
}

uint64_t aggr_rng_below(struct aggr_rng *rng, uint64_t bound)
{
    AGGR_CHECK(bound > 0);
    uint64_t reject_below = -bound % bound; /* 2^64 mod bound: the uneven rest */
    uint64_t draw;
    do
        draw = aggr_rng_next(rng);
    while (draw < reject_below);
    return draw % bound;
}

uint64_t aggr_rng_entropy(void)
{
    uint64_t seed = 0;
    AGGR_CHECK(getrandom(&seed, sizeof seed, 0) == (ssize_t)sizeof seed);
    return seed;
}
