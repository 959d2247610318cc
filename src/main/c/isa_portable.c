/* Plain C for whatever processor there is. */
#include "v16_portable.h"

#include "kernels.h"

const struct isa isa_portable = KERNELS("portable");
