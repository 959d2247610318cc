/* Norm, residual, multipliers, rotary embedding and lookup: little work, bound by memory. */

static void rms_norm(const float *x, const float *weight, float eps, int m, int n, float *out) {
  for (int t = 0; t < m; t++, x += n, out += n) {
    v16f squares = f_zero();
    for (int i = 0; i < n; i += 16) {
      v16f value = f_load(x + i);
      squares = f_fma(value, value, squares);
    }
    float inverse = 1 / sqrtf(f_sum_lanes(squares) / (float)n + eps);
    for (int i = 0; i < n; i += 16) {
      f_store(out + i, f_mul(f_mul(f_load(x + i), f_set1(inverse)), f_load(weight + i)));
    }
  }
}

static void add(float *restrict x, const float *restrict y, int n) {
  for (int i = 0; i < n; i++) x[i] += y[i];
}

static void scale(float *x, float factor, int n) {
  for (int i = 0; i < n; i++) x[i] *= factor;
}

INLINE void rotate(float *restrict a, float *restrict b, const float *restrict cosine,
                   const float *restrict sine, int half) {
  for (int i = 0; i < half; i++) {
    float a0 = a[i], b0 = b[i];
    a[i] = a0 * cosine[i] - b0 * sine[i];
    b[i] = b0 * cosine[i] + a0 * sine[i];
  }
}

static void rope(float *x, int stride, int m, int heads, int head_size, const int32_t *positions,
                 const float *table) {
  int half = head_size / 2;
  for (int t = 0; t < m; t++) {
    const float *cosine = table + (long)positions[t] * head_size;
    for (int h = 0; h < heads; h++) {
      float *head = x + (long)t * stride + (long)h * head_size;
      rotate(head, head + half, cosine, cosine + half, half);
    }
  }
}

/* One row of a block of 32 columns. */
INLINE void decode(int dtype, const uint8_t *block, int row, float *out) {
  float scales[16];
  if (dtype == CHASQUI_Q4 || dtype == CHASQUI_Q8) f_store(scales, f_load_f16(block));
  for (int c = 0; c < 32; c++) {
    if (dtype == CHASQUI_Q4) {
      int pair = block[32 + (c % 16 / 4 * 16 + row) * 4 + c % 4];
      out[c] = (float)((c < 16 ? pair & 15 : pair >> 4) - 8) * scales[row];
    } else if (dtype == CHASQUI_Q8) {
      out[c] = (float)(block[32 + (c / 4 * 16 + row) * 4 + c % 4] - 128) * scales[row];
    } else if (dtype == CHASQUI_BF16) {
      memcpy((uint8_t *)(out + c) + 2, block + ((c / 2 * 16 + row) * 2 + c % 2) * 2, 2);
      memset(out + c, 0, 2);
    } else {
      memcpy(out + c, block + (c * 16 + row) * 4, 4);
    }
  }
}

static void embed(int dtype, const uint8_t *w, int columns, const int32_t *ids, int m,
                  float *out) {
  static const int bytes_of[] = {288, 544, 1024, 2048};
  int blocks = columns / 32;
  for (int t = 0; t < m; t++) {
    const uint8_t *group = w + (long)(ids[t] / 16) * blocks * bytes_of[dtype];
    for (int b = 0; b < blocks; b++, out += 32) {
      decode(dtype, group + (long)b * bytes_of[dtype], ids[t] % 16, out);
    }
  }
}
