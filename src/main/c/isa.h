/* What each instruction set provides to dispatch.c. */
#ifndef CHASQUI_ISA_H
#define CHASQUI_ISA_H

#include <stdint.h>

/* Where the keys and values of one sequence lie. */
struct kv {
  int type; /* enum chasqui_kv_type */
  int heads;
  int head_size;
  const int32_t *blocks;
  int first_position;
};

struct isa {
  const char *name;
  void (*quantize)(const float *x, int m, int columns, uint8_t *q8);
  void (*matmul)(int dtype, const uint8_t *w, int columns, const uint8_t *x, int m, float *out,
                 int out_stride, int group_from, int group_to);
  void (*gate_up)(int gate_dtype, const uint8_t *gate, int up_dtype, const uint8_t *up,
                  int columns, const uint8_t *x, int m, float *out, int out_stride,
                  int group_from, int group_to);
  void (*rms_norm)(const float *x, const float *weight, float eps, int m, int n, float *out);
  void (*add)(float *x, const float *y, int n);
  void (*scale)(float *x, float factor, int n);
  void (*rope)(float *x, int stride, int m, int heads, int head_size, const int32_t *positions,
               const float *table);
  void (*embed)(int dtype, const uint8_t *w, int columns, const int32_t *ids, int m, float *out);
  void (*store_kv)(const struct kv *kv, uint8_t *cache, const float *k, const float *v, int stride,
                   int m);
  void (*attention)(const struct kv *kv, const uint8_t *cache, const float *q, int q_stride, int m,
                    int heads, float scale, float *out, int out_stride, int kv_head_from,
                    int kv_head_to);
  int (*argmax)(const float *logits, int n);
  void (*top_k)(const float *logits, int n, int k, int32_t *ids, float *values);
};

extern const struct isa isa_avx512vnni;
extern const struct isa isa_avx512;
extern const struct isa isa_avx2;
extern const struct isa isa_neon;
extern const struct isa isa_portable;

#endif
