// How this process uses the machine while it trains.
#pragma once

namespace hone::nn {

// Threads for matrix products and rows (0 = one per core). Freed memory stays with the process: a step frees and takes hundreds of
// megabytes, and having the system clear them each time costs a sixth of it.
void prepare_machine(int threads = 0);

}  // namespace hone::nn
