/* AVX-512 without VNNI: Intel Skylake-SP. */
#include "v16_avx512.h"

#include "dot_avx512.h"

#include "kernels.h"

const struct isa isa_avx512 = KERNELS("avx512");
