/*
 * KV blocks and attention over them. The lanes of scores are the 16 positions of a block, the lanes
 * of results 16 elements of a head. Query heads that share a KV head, and tokens that follow one
 * another, are rows of one tile: keys and values are converted once for all of them. Each row keeps
 * its own order of additions, so a result depends on no tile size.
 */
#define MAX_HEAD_SIZE 256
#define MAX_ROWS 8
#define MAX_VECTORS 4 /* blocks of scores, or vectors of results, at once */

INLINE long kv_part_bytes(const struct kv *kv) {
  return 16L * kv->head_size * (kv->type == CHASQUI_KV_F16 ? 2 : 1);
}

INLINE long kv_head_bytes(const struct kv *kv) {
  return 2 * kv_part_bytes(kv) + (kv->type == CHASQUI_KV_I8 ? 2 * 16 * 4 : 0);
}

/* Offset of a head in the block that holds a position. */
INLINE long kv_offset(const struct kv *kv, int position, int head) {
  return ((long)kv->blocks[position / 16] * kv->heads + head) * kv_head_bytes(kv);
}

/* head_size elements to places stride elements apart; their scale, which is stored for I8. */
INLINE float store_elements(const struct kv *kv, const float *x, uint8_t *to, int stride) {
  if (kv->type == CHASQUI_KV_F16) {
    for (int d = 0; d < kv->head_size; d += 16) {
      uint8_t half[32];
      f_store_f16(half, f_load(x + d));
      for (int i = 0; i < 16; i++) memcpy(to + 2L * (d + i) * stride, half + 2 * i, 2);
    }
    return 1;
  }
  v16i max = i_zero();
  for (int d = 0; d < kv->head_size; d += 16) {
    max = i_max(max, i_and(i_cast(f_load(x + d)), i_set1(0x7fffffff)));
  }
  int32_t max_bits = i_max_lane(max);
  float scale;
  memcpy(&scale, &max_bits, sizeof scale);
  scale /= 127;
  for (int d = 0; d < kv->head_size; d += 16) {
    int8_t quant[16] = {0};
    if (scale != 0) i_store_bytes(quant, quants(f_load(x + d), f_set1(scale)));
    for (int i = 0; i < 16; i++) to[(long)(d + i) * stride] = (uint8_t)quant[i];
  }
  return scale;
}

static void store_kv(const struct kv *kv, uint8_t *cache, const float *k, const float *v,
                     int stride, int m) {
  long part = kv_part_bytes(kv);
  for (int t = 0; t < m; t++) {
    int position = kv->first_position + t, p = position % 16;
    for (int h = 0; h < kv->heads; h++) {
      uint8_t *head = cache + kv_offset(kv, position, h);
      long row = (long)t * stride + (long)h * kv->head_size;
      float scale[2] = {
          store_elements(kv, k + row, head + part / (16L * kv->head_size) * p, 16),
          store_elements(kv, v + row, head + part + part / 16 * p, 1),
      };
      if (kv->type == CHASQUI_KV_I8) {
        memcpy(head + 2 * part + 4 * p, &scale[0], 4);
        memcpy(head + 2 * part + 64 + 4 * p, &scale[1], 4);
      }
    }
  }
}

/* A query head of a token, and what is known of its result so far. */
struct row {
  float query[MAX_HEAD_SIZE];
  int end; /* of the positions that it attends to */
  float max;
  float correction; /* for what was added up under the previous maximum */
  v16f sums;
  float weight[16]; /* of the values of the block at hand */
  float result[MAX_HEAD_SIZE];
};

INLINE v16f kv_load(const int type, const uint8_t *p) {
  return type == CHASQUI_KV_F16 ? f_load_f16(p) : f_from_int(i_load_bytes(p));
}

/*
 * Query times key for each row and position of consecutive blocks; fetches keys meanwhile. Several
 * blocks are taken at once where there are few rows: one sum alone would wait for its own additions.
 */
INLINE void scores(const int rows, const int blocks, const int type, const struct row *row,
                   int head_size, const uint8_t *const *keys, const uint8_t *const *next,
                   v16f score[][MAX_ROWS]) {
  const int bytes = type == CHASQUI_KV_F16 ? 32 : 16;
#pragma GCC unroll 4
  for (int b = 0; b < blocks; b++) {
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) score[b][r] = f_zero();
  }
  for (int d = 0; d < head_size; d++) {
#pragma GCC unroll 4
    for (int b = 0; b < blocks; b++) {
      if (d * bytes % 64 == 0) __builtin_prefetch(next[b] + d * bytes, 0, 3);
      v16f key = kv_load(type, keys[b] + d * bytes);
#pragma GCC unroll 8
      for (int r = 0; r < rows; r++) {
        score[b][r] = f_fma(key, f_set1(row[r].query[d]), score[b][r]);
      }
    }
  }
}

/* Turns the scores of the first n positions into weights of their values. */
INLINE void soften(struct row *row, v16f score, int n, const int type, const float *value_scales) {
  v16f above = f_max(score, f_set1(row->max));
  float max = f_max_lane(f_first(above, n, f_set1(row->max)));
  v16f probability = f_first(f_exp(f_sub(score, f_set1(max))), n, f_zero());
  row->correction = 1;
  if (max != row->max) {
    float lanes[16];
    f_store(lanes, f_exp(f_set1(row->max - max)));
    row->correction = lanes[0];
  }
  row->max = max;
  row->sums = f_add(f_mul(row->sums, f_set1(row->correction)), probability);
  if (type == CHASQUI_KV_I8) probability = f_mul(probability, f_load(value_scales));
  f_store(row->weight, probability);
}

/*
 * Adds the values of the first n positions to the elements from d on of the results; fetches the
 * next block's meanwhile. Takes several vectors of elements at once for the reason of scores().
 */
INLINE void add_values(const int rows, const int vectors, const int type, struct row *row,
                       int head_size, int d, int n, const uint8_t *from, const uint8_t *next) {
  const int bytes = type == CHASQUI_KV_F16 ? 2 : 1;
  v16f result[MAX_VECTORS][MAX_ROWS];
#pragma GCC unroll 4
  for (int i = 0; i < vectors; i++) {
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) {
      result[i][r] = f_mul(f_load(row[r].result + d + i * 16), f_set1(row[r].correction));
    }
  }
  for (int p = 0; p < n; p++) {
    long at = ((long)p * head_size + d) * bytes;
#pragma GCC unroll 4
    for (int i = 0; i < vectors; i++) {
      if ((at + i * 16 * bytes) % 64 == 0) __builtin_prefetch(next + at + i * 16 * bytes, 0, 3);
      v16f value = kv_load(type, from + at + i * 16 * bytes);
#pragma GCC unroll 8
      for (int r = 0; r < rows; r++) {
        result[i][r] = f_fma(value, f_set1(row[r].weight[p]), result[i][r]);
      }
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < vectors; i++) {
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) f_store(row[r].result + d + i * 16, result[i][r]);
  }
}

INLINE void values(const int rows, const int vectors, const int type, struct row *row,
                   int head_size, int n, const uint8_t *from, const uint8_t *next) {
  int d = 0;
  for (; d + vectors * 16 <= head_size; d += vectors * 16) {
    add_values(rows, vectors, type, row, head_size, d, n, from, next);
  }
  for (; d < head_size; d += 16) add_values(rows, 1, type, row, head_size, d, n, from, next);
}

/* What follows the scores of a block. */
INLINE void take_block(const int rows, const int vectors, const int type, struct row *row,
                       int head_size, long part, int from, const uint8_t *keys,
                       const uint8_t *next, const v16f *score, float scale) {
  const float *scales = (const float *)(keys + 2 * part);
  for (int r = 0; r < rows; r++) {
    int n = row[r].end - from < 16 ? row[r].end - from : 16;
    if (n <= 0) continue;
    v16f scaled = type == CHASQUI_KV_I8 ? f_mul(score[r], f_load(scales)) : score[r];
    soften(&row[r], f_mul(scaled, f_set1(scale)), n, type, scales + 16);
  }
  if (row[0].end - from >= 16) {
    values(rows, vectors, type, row, head_size, 16, keys + part, next + part);
    return;
  }
  /* Rows end within this block: none may touch a value that is not its own. */
  for (int r = 0; r < rows; r++) {
    int n = row[r].end - from < 16 ? row[r].end - from : 16;
    if (n > 0) values(1, 1, type, &row[r], head_size, n, keys + part, next + part);
  }
}

INLINE void attend(const int rows, const int together, const int type, const struct kv *kv,
                   const uint8_t *cache, int head, struct row *row, float scale) {
  long part = kv_part_bytes(kv);
  int end = row[rows - 1].end; /* later rows are of later tokens */
  for (int r = 0; r < rows; r++) {
    row[r].max = -INFINITY;
    row[r].sums = f_zero();
    memset(row[r].result, 0, sizeof(float) * (unsigned)kv->head_size);
  }
  v16f score[MAX_VECTORS][MAX_ROWS];
  const uint8_t *keys[2 * MAX_VECTORS];
  for (int from = 0; from < end;) {
    int blocks = from + together * 16 <= end ? together : 1;
    for (int b = 0; b < 2 * blocks; b++) {
      int at = from + b * 16 < end ? from + b * 16 : from;
      keys[b] = cache + kv_offset(kv, at, head);
    }
    const uint8_t **next = keys + blocks;
    if (blocks == together) {
      scores(rows, together, type, row, kv->head_size, keys, next, score);
    } else {
      scores(rows, 1, type, row, kv->head_size, keys, next, score);
    }
    for (int b = 0; b < blocks; b++, from += 16) {
      take_block(rows, together, type, row, kv->head_size, part, from, keys[b], next[b], score[b],
                 scale);
    }
  }
}

#define ATTEND(ROWS, TOGETHER)                                                                       \
  static __attribute__((noinline)) void attend_##ROWS(                                     \
      const struct kv *kv, const uint8_t *cache, int head, struct row *row, float scale) { \
    if (kv->type == CHASQUI_KV_F16) {                                                      \
      attend(ROWS, TOGETHER, CHASQUI_KV_F16, kv, cache, head, row, scale);                           \
    } else {                                                                               \
      attend(ROWS, TOGETHER, CHASQUI_KV_I8, kv, cache, head, row, scale);                            \
    }                                                                                      \
  }

ATTEND(1, 4)
ATTEND(2, 4)
ATTEND(4, 2)
ATTEND(8, 1)

static void attention(const struct kv *kv, const uint8_t *cache, const float *q, int q_stride,
                      int m, int heads, float scale, float *out, int out_stride, int kv_head_from,
                      int kv_head_to) {
  int group = heads / kv->heads, size = kv->head_size;
  for (int head = kv_head_from; head < kv_head_to; head++) {
    /* Rows are counted token by token, and within a token over the heads of the group. */
    for (int done = 0, rows; done < m * group; done += rows) {
      int left = m * group - done;
      rows = left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
      struct row row[MAX_ROWS];
      for (int r = 0; r < rows; r++) {
        int t = (done + r) / group, h = head * group + (done + r) % group;
        memcpy(row[r].query, q + (long)t * q_stride + (long)h * size, sizeof(float) * (unsigned)size);
        row[r].end = kv->first_position + t + 1;
      }
      switch (rows) {
        case 1: attend_1(kv, cache, head, row, scale); break;
        case 2: attend_2(kv, cache, head, row, scale); break;
        case 4: attend_4(kv, cache, head, row, scale); break;
        default: attend_8(kv, cache, head, row, scale); break;
      }
      for (int r = 0; r < rows; r++) {
        int t = (done + r) / group, h = head * group + (done + r) % group;
        float *to = out + (long)t * out_stride + (long)h * size;
        float sum = f_sum_lanes(row[r].sums);
        for (int d = 0; d < size; d += 16) {
          f_store(to + d, f_div(f_load(row[r].result + d), f_set1(sum)));
        }
      }
    }
  }
}
