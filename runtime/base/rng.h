/* rng.h -- the one source of chance: retry jitter, math.random, tests. xoshiro256**, seeded, not
 * for secrets. */
#pragma once
#include <stdint.h>

struct aggr_rng {
    uint64_t state[4];
};

/* The same seed gives the same numbers, always; every seed is good, 0 too. */
void aggr_rng_init(struct aggr_rng *rng, uint64_t seed);

uint64_t aggr_rng_next(struct aggr_rng *rng);

/* Evenly in [0, 1), 53 bits. */
double aggr_rng_uniform(struct aggr_rng *rng);

/* Evenly in [0, bound), without bias; bound > 0. */
uint64_t aggr_rng_below(struct aggr_rng *rng, uint64_t bound);

/* A seed nobody can guess, from getrandom(2). */
uint64_t aggr_rng_entropy(void);
