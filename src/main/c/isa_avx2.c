/* AVX2 with FMA and F16C: Intel since Haswell, AMD since Zen. */
#include "v16_avx2.h"

#include "kernels.h"

const struct isa isa_avx2 = KERNELS("avx2");
