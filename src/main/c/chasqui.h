/*
 * The C side of io.chasqui.kernel.NativeKernels, which documents the operations, checks their
 * arguments and is the only caller. ScalarKernels.java is the specification: every function here
 * gives its bits, on every instruction set.
 *
 * `isa` is an index into the instruction sets that this library was compiled for, the fastest
 * first; only those may be used that chasqui_isa_supported() allows.
 */
#ifndef CHASQUI_H
#define CHASQUI_H

#include <stdint.h>

#define CHASQUI_EXPORT __attribute__((visibility("default")))

/* Raised when a signature or a layout changes, so that a stale library is refused. */
#define CHASQUI_ABI 2

/* DType.code() of io.chasqui.kernel. */
enum chasqui_dtype { CHASQUI_Q4, CHASQUI_Q8, CHASQUI_BF16, CHASQUI_F32 };

/* KvLayout.Type.code() of io.chasqui.kernel. */
enum chasqui_kv_type { CHASQUI_KV_F16, CHASQUI_KV_I8 };

CHASQUI_EXPORT int32_t chasqui_abi(void);
CHASQUI_EXPORT int32_t chasqui_isa_count(void);
CHASQUI_EXPORT const char *chasqui_isa_name(int32_t isa);
CHASQUI_EXPORT int32_t chasqui_isa_supported(int32_t isa);

CHASQUI_EXPORT void chasqui_quantize(
    int32_t isa, const float *x, int32_t m, int32_t columns, uint8_t *q8);

CHASQUI_EXPORT void chasqui_matmul(
    int32_t isa, int32_t dtype, const uint8_t *w, int32_t columns, const uint8_t *x, int32_t m,
    float *out, int32_t out_stride, int32_t group_from, int32_t group_to);

CHASQUI_EXPORT void chasqui_gate_up(
    int32_t isa, int32_t gate_dtype, const uint8_t *gate, int32_t up_dtype, const uint8_t *up,
    int32_t columns, const uint8_t *x, int32_t m, float *out, int32_t out_stride,
    int32_t group_from, int32_t group_to);

CHASQUI_EXPORT void chasqui_rms_norm(
    int32_t isa, const float *x, const float *weight, float eps, int32_t m, int32_t n, float *out);

CHASQUI_EXPORT void chasqui_add(int32_t isa, float *x, const float *y, int32_t n);

CHASQUI_EXPORT void chasqui_scale(int32_t isa, float *x, float factor, int32_t n);

CHASQUI_EXPORT void chasqui_rope(
    int32_t isa, float *x, int32_t stride, int32_t m, int32_t heads, int32_t head_size,
    const int32_t *positions, const float *table);

CHASQUI_EXPORT void chasqui_embed(
    int32_t isa, int32_t dtype, const uint8_t *w, int32_t columns, const int32_t *ids, int32_t m,
    float *out);

CHASQUI_EXPORT void chasqui_store_kv(
    int32_t isa, int32_t kv_type, int32_t kv_heads, int32_t head_size, uint8_t *cache,
    const int32_t *blocks, int32_t first_position, const float *k, const float *v, int32_t stride,
    int32_t m);

CHASQUI_EXPORT void chasqui_attention(
    int32_t isa, int32_t kv_type, int32_t kv_heads, int32_t head_size, const uint8_t *cache,
    const int32_t *blocks, int32_t first_position, const float *q, int32_t q_stride, int32_t m,
    int32_t heads, float scale, float *out, int32_t out_stride, int32_t kv_head_from,
    int32_t kv_head_to);

CHASQUI_EXPORT int32_t chasqui_argmax(int32_t isa, const float *logits, int32_t n);

CHASQUI_EXPORT void chasqui_top_k(
    int32_t isa, const float *logits, int32_t n, int32_t k, int32_t *ids, float *values);

#endif
