/* AVX-512 with VNNI: Intel since Cascade Lake and Ice Lake, AMD since Zen 4. */
#include "v16_avx512.h"

#include "dot_vnni.h"

#include "kernels.h"

const struct isa isa_avx512vnni = KERNELS("avx512-vnni");
