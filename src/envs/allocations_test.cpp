// Counts the allocations of this test program, for the promise that a step of a reflex world makes none. In a file of its own, so that
// no compiler sees one half of a new and delete pair inlined and takes the other for a stranger.
#include <atomic>
#include <cstdlib>
#include <new>

namespace {
std::atomic<long> allocations{0};
}

void* operator new(std::size_t size) {
  ++allocations;
  if (void* p = std::malloc(size == 0 ? 1 : size)) return p;
  throw std::bad_alloc();
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }

namespace hone {

long allocations_so_far();
long allocations_so_far() { return allocations; }

}  // namespace hone
