/* The exported functions, and which instruction sets this processor has. */
#include "chasqui.h"
#include "isa.h"

#if defined(__aarch64__)
#include <sys/auxv.h>
#endif

static const struct isa *const isas[] = {
#if defined(__x86_64__)
    &isa_avx512vnni,
    &isa_avx512,
    &isa_avx2,
#elif defined(__aarch64__)
    &isa_neon,
#endif
    &isa_portable,
};

int32_t chasqui_abi(void) { return CHASQUI_ABI; }

int32_t chasqui_isa_count(void) { return sizeof isas / sizeof isas[0]; }

const char *chasqui_isa_name(int32_t isa) { return isas[isa]->name; }

#if defined(__x86_64__)
/* __builtin_cpu_supports also asks whether the operating system saves the wide registers. */
static int has_avx512(void) {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}

static int has_avx2(void) {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("f16c");
}
#endif

int32_t chasqui_isa_supported(int32_t index) {
  const struct isa *isa = isas[index];
#if defined(__x86_64__)
  if (isa == &isa_avx512vnni) return has_avx512() && __builtin_cpu_supports("avx512vnni");
  if (isa == &isa_avx512) return has_avx512();
  if (isa == &isa_avx2) return has_avx2();
#elif defined(__aarch64__)
  if (isa == &isa_neon) return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
#endif
  return isa == &isa_portable;
}

void chasqui_quantize(int32_t isa, const float *x, int32_t m, int32_t columns, uint8_t *q8) {
  isas[isa]->quantize(x, m, columns, q8);
}

void chasqui_matmul(int32_t isa, int32_t dtype, const uint8_t *w, int32_t columns,
                    const uint8_t *x, int32_t m, float *out, int32_t out_stride,
                    int32_t group_from, int32_t group_to) {
  isas[isa]->matmul(dtype, w, columns, x, m, out, out_stride, group_from, group_to);
}

void chasqui_gate_up(int32_t isa, int32_t gate_dtype, const uint8_t *gate, int32_t up_dtype,
                     const uint8_t *up, int32_t columns, const uint8_t *x, int32_t m, float *out,
                     int32_t out_stride, int32_t group_from, int32_t group_to) {
  isas[isa]->gate_up(gate_dtype, gate, up_dtype, up, columns, x, m, out, out_stride, group_from,
                     group_to);
}

void chasqui_rms_norm(int32_t isa, const float *x, const float *weight, float eps, int32_t m,
                      int32_t n, float *out) {
  isas[isa]->rms_norm(x, weight, eps, m, n, out);
}

void chasqui_add(int32_t isa, float *x, const float *y, int32_t n) { isas[isa]->add(x, y, n); }

void chasqui_scale(int32_t isa, float *x, float factor, int32_t n) {
  isas[isa]->scale(x, factor, n);
}

void chasqui_rope(int32_t isa, float *x, int32_t stride, int32_t m, int32_t heads,
                  int32_t head_size, const int32_t *positions, const float *table) {
  isas[isa]->rope(x, stride, m, heads, head_size, positions, table);
}

void chasqui_embed(int32_t isa, int32_t dtype, const uint8_t *w, int32_t columns,
                   const int32_t *ids, int32_t m, float *out) {
  isas[isa]->embed(dtype, w, columns, ids, m, out);
}

void chasqui_store_kv(int32_t isa, int32_t kv_type, int32_t kv_heads, int32_t head_size,
                      uint8_t *cache, const int32_t *blocks, int32_t first_position,
                      const float *k, const float *v, int32_t stride, int32_t m) {
  struct kv kv = {kv_type, kv_heads, head_size, blocks, first_position};
  isas[isa]->store_kv(&kv, cache, k, v, stride, m);
}

void chasqui_attention(int32_t isa, int32_t kv_type, int32_t kv_heads, int32_t head_size,
                       const uint8_t *cache, const int32_t *blocks, int32_t first_position,
                       const float *q, int32_t q_stride, int32_t m, int32_t heads, float scale,
                       float *out, int32_t out_stride, int32_t kv_head_from, int32_t kv_head_to) {
  struct kv kv = {kv_type, kv_heads, head_size, blocks, first_position};
  isas[isa]->attention(&kv, cache, q, q_stride, m, heads, scale, out, out_stride, kv_head_from,
                       kv_head_to);
}

int32_t chasqui_argmax(int32_t isa, const float *logits, int32_t n) {
  return isas[isa]->argmax(logits, n);
}

void chasqui_top_k(int32_t isa, const float *logits, int32_t n, int32_t k, int32_t *ids,
                   float *values) {
  isas[isa]->top_k(logits, n, k, ids, values);
}
