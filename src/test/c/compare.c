/*
 * Compares every instruction set of libchasqui that runs here with its plain C, bit for bit. The
 * Java tests compare all with ScalarKernels; this is for processors that are emulated:
 * see compare.sh.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../main/c/chasqui.h"

static uint64_t state;

static uint32_t next_random(void) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(state >> 32);
}

static int below(int end) { return (int)(next_random() % (uint32_t)end); }

/* Roughly normal, of a magnitude between 2^-10 and 2^9. */
static float random_float(void) {
  float sum = 0;
  for (int i = 0; i < 4; i++) sum += (float)(int32_t)next_random() * 0x1p-31f;
  int exponent = below(20) == 0 ? below(20) - 10 : 0;
  return exponent < 0 ? sum / (float)(1 << -exponent) : sum * (float)(1 << exponent);
}

static void *allocate(long bytes) {
  void *p = aligned_alloc(64, (size_t)(bytes + 63) / 64 * 64);
  if (!p) abort();
  memset(p, 0, (size_t)bytes);
  return p;
}

static float *random_floats(long count) {
  float *x = allocate(count * 4);
  for (long i = 0; i < count; i++) x[i] = random_float();
  return x;
}

static const int block_bytes[] = {288, 544, 1024, 2048};

/* Random quants with scales that are finite; weights that are finite. */
static uint8_t *random_matrix(int dtype, int groups, int columns) {
  long blocks = (long)groups * columns / 32;
  uint8_t *w = allocate(blocks * block_bytes[dtype]);
  for (long b = 0; b < blocks; b++) {
    uint8_t *block = w + b * block_bytes[dtype];
    for (int i = 0; i < block_bytes[dtype]; i++) block[i] = (uint8_t)next_random();
    if (dtype == CHASQUI_Q4 || dtype == CHASQUI_Q8) {
      for (int r = 0; r < 16; r++) block[2 * r + 1] &= 0xbb;
    } else {
      int step = dtype == CHASQUI_BF16 ? 2 : 4;
      for (int i = step - 1; i < block_bytes[dtype]; i += step) block[i] = (block[i] & 0x80) | 0x3e;
    }
  }
  return w;
}

static long q8_bytes(int m, int columns) { return (columns + columns / 32 * 8L + 63) / 64 * 64 * m; }

static int failures;

static void expect_same(int isa, const char *what, const void *expected, const void *actual,
                        long bytes) {
  if (memcmp(expected, actual, (size_t)bytes) == 0) return;
  printf("FAILED %s: %s differs\n", chasqui_isa_name(isa), what);
  failures++;
}

static void compare_products(int isa, int plain) {
  for (int dtype = CHASQUI_Q4; dtype <= CHASQUI_F32; dtype++) {
    for (int m = 1; m <= 17; m++) {
      int groups = 1 + below(m <= 8 ? 40 : 3), columns = 32 * (1 + below(m == 4 ? 160 : 8));
      int stride = groups * 16 + below(3);
      uint8_t *w = random_matrix(dtype, groups, columns);
      uint8_t *up = random_matrix(dtype, groups, columns);
      float *x = random_floats((long)m * columns);
      uint8_t *q8[2];
      float *out[4];
      for (int i = 0; i < 2; i++) {
        q8[i] = allocate(q8_bytes(m, columns));
        chasqui_quantize(i ? isa : plain, x, m, columns, q8[i]);
      }
      expect_same(isa, "quantize", q8[0], q8[1], q8_bytes(m, columns));
      const uint8_t *input = dtype <= CHASQUI_Q8 ? q8[0] : (const uint8_t *)x;
      for (int i = 0; i < 4; i++) out[i] = allocate(4L * m * stride);
      for (int i = 0; i < 2; i++) {
        int each = i ? isa : plain;
        chasqui_matmul(each, dtype, w, columns, input, m, out[i], stride, 0, groups);
        chasqui_gate_up(each, dtype, w, dtype, up, columns, input, m, out[2 + i], stride, 0, groups);
      }
      expect_same(isa, "matmul", out[0], out[1], 4L * m * stride);
      expect_same(isa, "gate_up", out[2], out[3], 4L * m * stride);
      int32_t ids[2] = {below(groups * 16), below(groups * 16)};
      float *rows[2];
      for (int i = 0; i < 2; i++) {
        rows[i] = allocate(8L * columns);
        chasqui_embed(i ? isa : plain, dtype, w, columns, ids, 2, rows[i]);
        free(q8[i]);
      }
      expect_same(isa, "embed", rows[0], rows[1], 8L * columns);
      for (int i = 0; i < 4; i++) free(out[i]);
      free(rows[0]);
      free(rows[1]);
      free(w);
      free(up);
      free(x);
    }
  }
}

static void compare_attention(int isa, int plain) {
  static const int sizes[] = {16, 64, 80, 128, 256};
  for (int type = CHASQUI_KV_F16; type <= CHASQUI_KV_I8; type++) {
    for (int round = 0; round < 40; round++) {
      int size = sizes[below(5)], kv_heads = 1 + below(3), group = 1 + below(8);
      int m = 1 + below(12), first = below(60), heads = kv_heads * group;
      int blocks_of = (first + m + 15) / 16;
      int32_t blocks[8];
      for (int i = 0; i < blocks_of; i++) blocks[i] = blocks_of - 1 - i;
      long block = kv_heads * (type == CHASQUI_KV_F16 ? 64L * size : 32L * size + 128);
      float *k = random_floats((long)(first + m) * kv_heads * size);
      float *v = random_floats((long)(first + m) * kv_heads * size);
      float *q = random_floats((long)m * heads * size);
      uint8_t *cache[2];
      float *out[2];
      for (int i = 0; i < 2; i++) {
        int each = i ? isa : plain;
        cache[i] = allocate(blocks_of * block);
        memset(cache[i], 0xff, (size_t)(blocks_of * block));
        chasqui_store_kv(each, type, kv_heads, size, cache[i], blocks, 0, k, v, kv_heads * size,
                         first + m);
        out[i] = allocate(4L * m * heads * size);
        chasqui_attention(each, type, kv_heads, size, cache[i], blocks, first, q, heads * size, m,
                          heads, 0.125f, out[i], heads * size, 0, kv_heads);
      }
      expect_same(isa, "store_kv", cache[0], cache[1], blocks_of * block);
      expect_same(isa, "attention", out[0], out[1], 4L * m * heads * size);
      for (int i = 0; i < 2; i++) {
        free(cache[i]);
        free(out[i]);
      }
      free(k);
      free(v);
      free(q);
    }
  }
}

static void compare_the_rest(int isa, int plain) {
  for (int round = 0; round < 50; round++) {
    int n = 16 * (1 + below(20)), k = 1 + below(n);
    float *x = random_floats(n), *weight = random_floats(n), *out[2], *values[2], *turned[2];
    int32_t *ids[2], position = 0, best[2];
    for (int i = 0; i < 2; i++) {
      int each = i ? isa : plain;
      out[i] = allocate(4L * n);
      values[i] = allocate(4L * k);
      ids[i] = allocate(4L * k);
      turned[i] = allocate(4L * n);
      memcpy(turned[i], x, 4u * (unsigned)n);
      chasqui_rms_norm(each, x, weight, 1e-5f, 1, n, out[i]);
      chasqui_add(each, out[i], x, n);
      chasqui_scale(each, out[i], 0.22f, n - 1);
      chasqui_rope(each, turned[i], n, 1, 1, n, &position, weight);
      chasqui_top_k(each, x, n, k, ids[i], values[i]);
      best[i] = chasqui_argmax(each, x, n);
    }
    expect_same(isa, "rms_norm, add and scale", out[0], out[1], 4L * n);
    expect_same(isa, "rope", turned[0], turned[1], 4L * n);
    expect_same(isa, "top_k", ids[0], ids[1], 4L * k);
    expect_same(isa, "top_k values", values[0], values[1], 4L * k);
    expect_same(isa, "argmax", &best[0], &best[1], 4);
    for (int i = 0; i < 2; i++) {
      free(out[i]);
      free(values[i]);
      free(ids[i]);
      free(turned[i]);
    }
    free(x);
    free(weight);
  }
}

int main(int argc, char **argv) {
  state = argc > 1 ? strtoull(argv[1], NULL, 10) : 20250101;
  printf("seed %llu\n", (unsigned long long)state);
  int plain = chasqui_isa_count() - 1, compared = 0;
  for (int isa = 0; isa < plain; isa++) {
    if (!chasqui_isa_supported(isa)) continue;
    compare_products(isa, plain);
    compare_attention(isa, plain);
    compare_the_rest(isa, plain);
    printf("%s compared with %s\n", chasqui_isa_name(isa), chasqui_isa_name(plain));
    compared++;
  }
  if (compared == 0) printf("FAILED: nothing to compare on this processor\n");
  return failures > 0 || compared == 0;
}
