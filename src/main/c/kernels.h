/*
 * All operations, written once on vectors of 16 lanes. An isa_*.c includes the header of its
 * vectors, then this one, and thereby becomes one complete set of kernels.
 */
#include "chasqui.h"
#include "isa.h"

#include "math16.h"
#include "quantize.h"

#include "attention.h"
#include "elementwise.h"
#include "matmul.h"
#include "select.h"

#define KERNELS(NAME)                                                                      \
  {                                                                                        \
    .name = NAME, .quantize = quantize, .matmul = matmul, .gate_up = gate_up,              \
    .rms_norm = rms_norm, .add = add, .scale = scale, .rope = rope, .embed = embed,        \
    .store_kv = store_kv, .attention = attention, .argmax = argmax, .top_k = top_k         \
  }
