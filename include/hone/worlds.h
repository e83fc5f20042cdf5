/* Hone's worlds of the reflex tempo for programs in other languages: N worlds stepped at once into memory that the caller owns.
 * One thread at a time for each `hone_worlds`. Rows are slot after slot without gaps. */
#ifndef HONE_WORLDS_H
#define HONE_WORLDS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hone_worlds hone_worlds;

enum { HONE_BOX = 0, HONE_DISCRETE = 1 };
enum { HONE_U8 = 0, HONE_I32 = 1, HONE_F32 = 2 };
enum { HONE_SAME_STEP = 0, HONE_NEXT_STEP = 1, HONE_DISABLED = 2 };
enum { HONE_TRAIN = 0, HONE_VALIDATION = 1, HONE_TEST = 2 };

typedef struct {
  int32_t kind, dtype, dimensions;
  int64_t shape[8];
  double low, high;
  size_t bytes; /* of one row */
} hone_space;

typedef struct {
  hone_space observation, action;
  int32_t slots, autoreset, max_steps, infos;
} hone_worlds_spec;

/* The caller's memory, `slots` rows each. final_obs is written only where an episode ended and the next began in the same step;
 * info [slots, infos] may be null. */
typedef struct {
  void *obs, *final_obs;
  float* reward;
  uint8_t *terminated, *truncated, *fault;
  float* info;
} hone_buffers;

/* Opens `slots` worlds by catalogue name. Settings are `count` pairs: names[i] and values[i], a list as "[a, b]". threads: 0 = one per
 * core. Null when it can't be: hone_worlds_error() says why. */
hone_worlds* hone_worlds_open(const char* name, const char* const* names, const char* const* values, size_t count, int32_t slots, int32_t threads, int32_t autoreset,
                              int32_t split);
void hone_worlds_close(hone_worlds* worlds);

void hone_worlds_spec_of(const hone_worlds* worlds, hone_worlds_spec* spec);
/* The name of a number that a step says besides; null beyond the last. */
const char* hone_worlds_info_name(const hone_worlds* worlds, int32_t index);

/* Both: 0, or -1 with hone_worlds_error(). reset: slots with mask[i] != 0, null = all; slot i plays the split's task i (round and round), its
 * seed mixed with `seed` (0 = as it is) and raised by the slot's number. step: one action a slot; with HONE_DISABLED slots whose episode is over are left alone. */
int32_t hone_worlds_reset(hone_worlds* worlds, uint64_t seed, const uint8_t* mask, hone_buffers out);
int32_t hone_worlds_step(hone_worlds* worlds, const void* actions, hone_buffers out);

/* What went wrong last in this thread: one text, valid until the next failure. */
const char* hone_worlds_error(void);

#ifdef __cplusplus
}
#endif

#endif
