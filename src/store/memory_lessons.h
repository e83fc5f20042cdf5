// Lessons that live in memory: for tests, and for trying candidates before they are committed. Same ranking
// code as the store's snapshots, so the same lessons and query give the same result.
#pragma once

#include <memory>

#include "core/model.h"
#include "core/recall.h"

namespace hone {

// In the given order (= insertion). Ids must be set and distinct. With an embedder the keys' texts are
// embedded here; it must outlive the result. Without one only text recall works.
std::unique_ptr<Lessons> memory_lessons(std::string scope, std::uint64_t version, std::vector<Lesson> lessons,
                                        Embedder* embedder = nullptr);

}  // namespace hone
