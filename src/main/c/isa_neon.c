/* ARMv8.2 with the dot product: Neoverse N1 (AWS Graviton 2) and later, Apple M1 and later. */
#include "v16_neon.h"

#include "kernels.h"

const struct isa isa_neon = KERNELS("neon");
