/*
 * Products of weights in kernel order with tokens. A tile is a few tokens by one group of 16 rows or
 * by several, so that what is loaded of x serves them all; its sums are acc[group * tokens + token].
 * Each lane adds up one output in the order of the columns, so a result depends on no tile size.
 */

/* How far ahead weights are fetched, in bytes: a few tokens use them up faster than the processor's
 * own prefetcher delivers. Many tokens find them in its caches. */
#define QUANTS_AHEAD 2048
#define FLOATS_AHEAD 8192

INLINE void prefetch(const uint8_t *w, int bytes) {
  for (int i = 0; i < bytes; i += 64) __builtin_prefetch(w + i, 0, 3);
}

/* What a tile reads of one token. */
struct token {
  const int8_t *quant;
  const float *scale;
  const int32_t *sum;
};

INLINE struct token q8_token(const uint8_t *x, int columns, int t) {
  const uint8_t *row = x + t * q8_row_bytes(columns);
  const float *scale = (const float *)(row + columns);
  return (struct token){(const int8_t *)row, scale, (const int32_t *)(scale + columns / 32)};
}

/* Of a tile with so few sums each block is added up in two chains: in one alone the next addition
 * waits for the one before. Integers, so the order changes no result. Few processors need it. */
#ifndef CHAINED_SUMS
#define CHAINED_SUMS 0
#endif
#define IN_TWO_CHAINS(SUMS) ((SUMS) <= CHAINED_SUMS)

/* Adds the second chains to the first ones, if there are any. */
INLINE void join_chains(const int sums, v16i *sum, const v16i *other) {
  if (!IN_TWO_CHAINS(sums)) return;
#pragma GCC unroll 8
  for (int i = 0; i < sums; i++) sum[i] = i_add(sum[i], other[i]);
}

/* For each token its row and, in all its sums, zeros. */
INLINE void start_tile(const int tokens, const int groups, int columns, const uint8_t *x, int t0,
                       struct token *token, v16f *acc) {
#pragma GCC unroll 8
  for (int t = 0; t < tokens; t++) token[t] = q8_token(x, columns, t0 + t);
#pragma GCC unroll 8
  for (int i = 0; i < groups * tokens; i++) acc[i] = f_zero();
}

/* Adds a block's products to the sums of one group. */
INLINE void add_block(const int tokens, const uint8_t *w, int b, const struct token *token,
                      const v16i *sum, v16f *acc) {
  v16f scale = f_load_f16(w);
#pragma GCC unroll 8
  for (int t = 0; t < tokens; t++) {
    acc[t] = f_fma(f_from_int(sum[t]), f_mul(scale, f_set1(token[t].scale[b])), acc[t]);
  }
}

INLINE void q4_tile(const int tokens, const int groups, const int ahead, const uint8_t *w,
                    int columns, const uint8_t *x, int t0, v16f *acc) {
  struct token token[TILE_TOKENS];
  start_tile(tokens, groups, columns, x, t0, token, acc);
  long group_bytes = columns / 32 * 288L;
  v16i nibble = i_set1(0x0f0f0f0f);
  const int two = IN_TWO_CHAINS(groups * tokens);
  for (int b = 0; b < columns / 32; b++, w += 288) {
    v16i sum[TILE_TOKENS], other[TILE_TOKENS];
#pragma GCC unroll 8
    for (int i = 0; i < groups * tokens; i++) other[i] = i_zero();
#pragma GCC unroll 8
    for (int t = 0; t < tokens; t++) {
#pragma GCC unroll 2
      for (int g = 0; g < groups; g++) sum[g * tokens + t] = q4_start(token[t].sum[b]);
    }
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
      v16i low[QUANT_GROUPS], high[QUANT_GROUPS];
#pragma GCC unroll 2
      for (int g = 0; g < groups; g++) {
        v16i both = i_load(w + g * group_bytes + 32 + j * 64);
        low[g] = i_and(both, nibble);
        high[g] = i_and(i_shr(both, 4), nibble);
      }
#pragma GCC unroll 8
      for (int t = 0; t < tokens; t++) {
        const int8_t *quant = token[t].quant + b * 32 + j * 4;
        v16i first = i_broadcast4(quant), second = i_broadcast4(quant + 16);
#pragma GCC unroll 2
        for (int g = 0; g < groups; g++) {
          v16i *s = &sum[g * tokens + t], *o = two ? &other[g * tokens + t] : s;
          *s = dot4_q4(*s, low[g], first);
          *o = dot4_q4(*o, high[g], second);
        }
      }
    }
    join_chains(groups * tokens, sum, other);
#pragma GCC unroll 8
    for (int t = 0; t < tokens; t++) {
#pragma GCC unroll 2
      for (int g = 0; g < groups; g++) {
        v16i *s = &sum[g * tokens + t];
        *s = q4_finish(*s, token[t].sum[b]);
      }
    }
#pragma GCC unroll 2
    for (int g = 0; g < groups; g++) {
      if (ahead) prefetch(w + g * group_bytes + QUANTS_AHEAD, 288);
      add_block(tokens, w + g * group_bytes, b, token, sum + g * tokens, acc + g * tokens);
    }
  }
}

INLINE void q8_tile(const int tokens, const int groups, const int ahead, const uint8_t *w,
                    int columns, const uint8_t *x, int t0, v16f *acc) {
  struct token token[TILE_TOKENS];
  start_tile(tokens, groups, columns, x, t0, token, acc);
  long group_bytes = columns / 32 * 544L;
  const int two = IN_TWO_CHAINS(groups * tokens);
  for (int b = 0; b < columns / 32; b++, w += 544) {
    v16i sum[TILE_TOKENS], other[TILE_TOKENS];
#pragma GCC unroll 8
    for (int i = 0; i < groups * tokens; i++) other[i] = i_zero();
#pragma GCC unroll 8
    for (int t = 0; t < tokens; t++) {
#pragma GCC unroll 2
      for (int g = 0; g < groups; g++) sum[g * tokens + t] = q8_start(token[t].sum[b]);
    }
#pragma GCC unroll 8
    for (int s = 0; s < 8; s++) {
      v16i u[QUANT_GROUPS];
#pragma GCC unroll 2
      for (int g = 0; g < groups; g++) u[g] = i_load(w + g * group_bytes + 32 + s * 64);
#pragma GCC unroll 8
      for (int t = 0; t < tokens; t++) {
        v16i four = i_broadcast4(token[t].quant + b * 32 + s * 4);
#pragma GCC unroll 2
        for (int g = 0; g < groups; g++) {
          v16i *o = two && s % 2 ? &other[g * tokens + t] : &sum[g * tokens + t];
          *o = dot4_q8(*o, u[g], four);
        }
      }
    }
    join_chains(groups * tokens, sum, other);
#pragma GCC unroll 2
    for (int g = 0; g < groups; g++) {
      if (ahead) prefetch(w + g * group_bytes + QUANTS_AHEAD, 544);
      add_block(tokens, w + g * group_bytes, b, token, sum + g * tokens, acc + g * tokens);
    }
  }
}

/* Of the float types chains of additions wait less for one another in several groups. */
INLINE void bf16_tile(const int tokens, const int groups, const uint8_t *w, int columns,
                      const uint8_t *x, int t0, v16f *acc) {
  const float *row = (const float *)x + (long)t0 * columns;
  long group_bytes = columns * 32L;
#pragma GCC unroll 16
  for (int i = 0; i < groups * tokens; i++) acc[i] = f_zero();
  for (int c = 0; c < columns; c += 2, w += 64) {
    v16f even[FLOAT_GROUPS], odd[FLOAT_GROUPS];
#pragma GCC unroll 2
    for (int g = 0; g < groups; g++) {
      prefetch(w + g * group_bytes + FLOATS_AHEAD, 64);
      v16i pair = i_load(w + g * group_bytes);
      even[g] = f_cast(i_shl(pair, 16));
      odd[g] = f_cast(i_and(pair, i_set1((int)0xffff0000)));
    }
#pragma GCC unroll 8
    for (int t = 0; t < tokens; t++) {
      v16f x_even = f_set1(row[(long)t * columns + c]);
      v16f x_odd = f_set1(row[(long)t * columns + c + 1]);
#pragma GCC unroll 2
      for (int g = 0; g < groups; g++) {
        v16f sum = f_fma(even[g], x_even, acc[g * tokens + t]);
        acc[g * tokens + t] = f_fma(odd[g], x_odd, sum);
      }
    }
  }
}

INLINE void f32_tile(const int tokens, const int groups, const uint8_t *w, int columns,
                     const uint8_t *x, int t0, v16f *acc) {
  const float *row = (const float *)x + (long)t0 * columns;
  long group_bytes = columns * 64L;
#pragma GCC unroll 16
  for (int i = 0; i < groups * tokens; i++) acc[i] = f_zero();
  for (int c = 0; c < columns; c++, w += 64) {
    v16f weight[FLOAT_GROUPS];
#pragma GCC unroll 2
    for (int g = 0; g < groups; g++) {
      prefetch(w + g * group_bytes + FLOATS_AHEAD, 64);
      weight[g] = f_load((const float *)(w + g * group_bytes));
    }
#pragma GCC unroll 8
    for (int t = 0; t < tokens; t++) {
      v16f x_all = f_set1(row[(long)t * columns + c]);
#pragma GCC unroll 2
      for (int g = 0; g < groups; g++) {
        acc[g * tokens + t] = f_fma(weight[g], x_all, acc[g * tokens + t]);
      }
    }
  }
}

static const int block_bytes[] = {288, 544, 1024, 2048};

/* A tile of any number of tokens up to TILE_TOKENS: each number is compiled for itself. */
#define TILE_OF(NAME, CASES)                                                            \
  static __attribute__((noinline)) void NAME(int tokens, const uint8_t *w, int columns, \
                                             const uint8_t *x, int t0, v16f *acc) {     \
    switch (tokens) { CASES }                                                           \
  }

#define TILE(TOKENS, KIND, ...) \
  case TOKENS: KIND##_tile(TOKENS, __VA_ARGS__, w, columns, x, t0, acc); break;

#define TILE_SIZES_2(...) TILE(1, __VA_ARGS__) TILE(2, __VA_ARGS__)
#define TILE_SIZES_4(...) TILE_SIZES_2(__VA_ARGS__) TILE(3, __VA_ARGS__) TILE(4, __VA_ARGS__)
#define TILE_SIZES_8(...)                                                               \
  TILE_SIZES_4(__VA_ARGS__) TILE(5, __VA_ARGS__) TILE(6, __VA_ARGS__) TILE(7, __VA_ARGS__) \
  TILE(8, __VA_ARGS__)
#define SIZES_OF(TOKENS) SIZES_OF_NUMBER(TOKENS)
#define SIZES_OF_NUMBER(TOKENS) TILE_SIZES_##TOKENS

TILE_OF(q4_tile_of, SIZES_OF(TILE_TOKENS)(q4, 1, 1))
TILE_OF(q8_tile_of, SIZES_OF(TILE_TOKENS)(q8, 1, 1))
TILE_OF(bf16_tile_of, SIZES_OF(TILE_TOKENS)(bf16, 1))
TILE_OF(f32_tile_of, SIZES_OF(TILE_TOKENS)(f32, 1))
#if QUANT_GROUPS > 1
TILE_OF(q4_tiles_of, SIZES_OF(QUANT_TOKENS)(q4, QUANT_GROUPS, 0))
TILE_OF(q4_ahead_of, SIZES_OF(QUANT_TOKENS)(q4, QUANT_GROUPS, 1))
TILE_OF(q8_tiles_of, SIZES_OF(QUANT_TOKENS)(q8, QUANT_GROUPS, 0))
#else
#define q4_tiles_of q4_tile_of
#define q4_ahead_of q4_tile_of
#define q8_tiles_of q8_tile_of
#endif
#if FLOAT_GROUPS > 1
TILE_OF(bf16_tiles_of, SIZES_OF(TILE_TOKENS)(bf16, FLOAT_GROUPS))
TILE_OF(f32_tiles_of, SIZES_OF(TILE_TOKENS)(f32, FLOAT_GROUPS))
#else
#define bf16_tiles_of bf16_tile_of
#define f32_tiles_of f32_tile_of
#endif

/* Groups that are done with all tokens before the next ones. Few tokens use up weights as fast as
 * memory delivers them, and best from one place for long. */
#define SPAN_GROUPS 16
#define SPAN_SUMS (TILE_TOKENS * SPAN_GROUPS)

INLINE int span_of(int dtype, int m, int left) {
  int most = m <= TILE_TOKENS ? SPAN_GROUPS : dtype >= CHASQUI_BF16 ? FLOAT_GROUPS : QUANT_GROUPS;
  return left < most ? left : most;
}

struct shape {
  int groups;
  int tokens;
};

/* The largest tile at token t. With the first tokens quantized weights come from memory, which one
 * group after another is read from best; then they are in the caches. But where the rows of x take
 * more than half of the first cache, two groups read them half as often. */
INLINE struct shape shape_of(int dtype, int columns, int t, int m) {
  int groups = FLOAT_GROUPS, tokens = TILE_TOKENS;
  if (dtype < CHASQUI_BF16) {
    int is_long = dtype == CHASQUI_Q4 && m <= QUANT_TOKENS && m * q8_row_bytes(columns) > 16 << 10;
    groups = t > 0 || is_long ? QUANT_GROUPS : 1;
    if (groups > 1) tokens = QUANT_TOKENS;
  }
  return (struct shape){groups, m - t < tokens ? m - t : tokens};
}

INLINE void tile_of(int dtype, int groups, int tokens, const uint8_t *w, int columns,
                    const uint8_t *x, int t0, v16f *acc) {
  if (dtype == CHASQUI_Q4) {
    (groups == 1 ? q4_tile_of : t0 > 0 ? q4_tiles_of : q4_ahead_of)(tokens, w, columns, x, t0, acc);
  } else if (dtype == CHASQUI_Q8) {
    (groups > 1 ? q8_tiles_of : q8_tile_of)(tokens, w, columns, x, t0, acc);
  } else if (dtype == CHASQUI_BF16) {
    (groups > 1 ? bf16_tiles_of : bf16_tile_of)(tokens, w, columns, x, t0, acc);
  } else {
    (groups > 1 ? f32_tiles_of : f32_tile_of)(tokens, w, columns, x, t0, acc);
  }
}

/* The sums of a span of groups for the tokens of a tile: sums[group * tokens + token]. */
INLINE void span_sums(int dtype, struct shape tile, const uint8_t *w, int columns,
                      const uint8_t *x, int t, int from, int to, v16f *sums) {
  long group_bytes = columns / 32L * block_bytes[dtype];
  for (int g = from, groups; g < to; g += groups) {
    groups = tile.groups < to - g ? tile.groups : to - g;
    tile_of(dtype, groups, tile.tokens, w + g * group_bytes, columns, x, t,
            sums + (g - from) * tile.tokens);
  }
}

static void matmul(int dtype, const uint8_t *w, int columns, const uint8_t *x, int m, float *out,
                   int out_stride, int group_from, int group_to) {
  for (int from = group_from, span; from < group_to; from += span) {
    span = span_of(dtype, m, group_to - from);
    struct shape tile;
    for (int t = 0; t < m; t += tile.tokens) {
      tile = shape_of(dtype, columns, t, m);
      v16f sums[SPAN_SUMS];
      span_sums(dtype, tile, w, columns, x, t, from, from + span, sums);
      for (int i = 0; i < span * tile.tokens; i++) {
        f_store(out + (long)(t + i % tile.tokens) * out_stride + (from + i / tile.tokens) * 16,
                sums[i]);
      }
    }
  }
}

static void gate_up(int gate_dtype, const uint8_t *gate, int up_dtype, const uint8_t *up,
                    int columns, const uint8_t *x, int m, float *out, int out_stride,
                    int group_from, int group_to) {
  for (int from = group_from, span; from < group_to; from += span) {
    /* Both are quantized or both are not, hence the same tiles. */
    span = span_of(gate_dtype, m, group_to - from);
    struct shape tile;
    for (int t = 0; t < m; t += tile.tokens) {
      tile = shape_of(gate_dtype, columns, t, m);
      v16f gated[SPAN_SUMS], sums[SPAN_SUMS];
      span_sums(gate_dtype, tile, gate, columns, x, t, from, from + span, gated);
      span_sums(up_dtype, tile, up, columns, x, t, from, from + span, sums);
      for (int i = 0; i < span * tile.tokens; i++) {
        f_store(out + (long)(t + i % tile.tokens) * out_stride + (from + i / tile.tokens) * 16,
                f_mul(f_silu(gated[i]), sums[i]));
      }
    }
  }
}
