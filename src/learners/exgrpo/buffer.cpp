#include "learners/exgrpo/buffer.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace hone::exgrpo {

namespace {

std::size_t pick(const std::vector<double>& weights, Rng& rng) {
  double at = rng.uniform();
  std::size_t last = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] <= 0.0) continue;
    last = i;
    if (at < weights[i]) return i;
    at -= weights[i];
  }
  return last;  // rounding left a little over
}

template <class T>
void put_all(Sink& sink, const std::vector<T>& values) {
  put(sink, static_cast<std::uint64_t>(values.size()));
  sink.write(std::as_bytes(std::span(values)));
}
template <class T>
void get_all(Source& source, std::vector<T>& values) {
  std::uint64_t n = 0;
  get(source, n);
  // In pieces, so that a damaged count ends as "too few bytes" and not in memory.
  values.clear();
  while (values.size() < n) {
    const std::size_t old = values.size();
    values.resize(old + std::min<std::size_t>(n - old, 1U << 16U));
    source.read(std::as_writable_bytes(std::span(values).subspan(old)));
  }
}

void put(Sink& sink, const Kept& k) {
  put_text(sink, k.episode);
  hone::put(sink, k.said);
  hone::put(sink, k.reward);
  hone::put(sink, k.born);
  hone::put(sink, static_cast<std::uint64_t>(k.parts.size()));
  for (const auto& p : k.parts) {
    put_all(sink, p.sequence.ids);
    put_all(sink, p.sequence.trained);
    put_all(sink, p.logp);
    hone::put(sink, static_cast<std::uint8_t>(p.truncated));
  }
}

Kept get_kept(Source& source) {
  Kept k;
  k.episode = get_text(source);
  hone::get(source, k.said);
  hone::get(source, k.reward);
  hone::get(source, k.born);
  std::uint64_t parts = 0;
  hone::get(source, parts);
  for (std::uint64_t i = 0; i < parts; ++i) {
    Trajectory p;
    get_all(source, p.sequence.ids);
    get_all(source, p.sequence.trained);
    get_all(source, p.logp);
    std::uint8_t truncated = 0;
    hone::get(source, truncated);
    p.truncated = truncated != 0;
    const auto trained = static_cast<std::size_t>(std::count(p.sequence.trained.begin(), p.sequence.trained.end(), 1));
    if (p.sequence.trained.size() != p.sequence.ids.size() || p.logp.size() != trained)
      throw Error(Fault::corrupt, "exgrpo: checkpoint: stored try: expected a mark per token and a log-probability per trained one, got " + std::to_string(p.sequence.ids.size()) + " tokens, " +
                                      std::to_string(p.sequence.trained.size()) + " marks, " + std::to_string(trained) + " trained, " + std::to_string(p.logp.size()) + " log-probabilities");
    k.parts.push_back(std::move(p));
  }
  return k;
}

}  // namespace

std::vector<double> bucket_weights(const BufferConfig& c, int group, const std::vector<std::size_t>& room) {
  std::vector<double> log_weight(room.size()), out(room.size(), 0.0);
  double most = -std::numeric_limits<double>::infinity();
  for (std::size_t k = 0; k < room.size(); ++k) {
    if (room[k] == 0) continue;
    const double at = c.questions == Questions::accuracy ? static_cast<double>(k) / group : static_cast<double>(k);
    const double middle = c.questions == Questions::accuracy ? c.mean : c.mean * group;
    log_weight[k] = -0.5 * (at - middle) * (at - middle) / (c.sd * c.sd);
    most = std::max(most, log_weight[k]);
  }
  double sum = 0.0;
  for (std::size_t k = 0; k < room.size(); ++k)
    if (room[k] > 0) sum += out[k] = std::exp(log_weight[k] - most);  // the largest is 1, so far tails alone still add up
  for (auto& w : out) w = sum > 0.0 ? w / sum : 0.0;
  return out;
}

Buffer::Buffer(const BufferConfig& config, int group) : config_(config), group_(group), buckets_(static_cast<std::size_t>(group) + 1) {}

bool Buffer::knows(const std::vector<Kept>& kept, const Kept& one) const {
  return std::any_of(kept.begin(), kept.end(), [&](const Kept& k) {
    if (config_.same == Same::text) return k.said == one.said;
    return std::equal(k.parts.begin(), k.parts.end(), one.parts.begin(), one.parts.end(),
                      [](const Trajectory& a, const Trajectory& b) { return a.sequence.ids == b.sequence.ids; });
  });
}

void Buffer::drop(const std::string& question) {
  const auto it = bucket_of_.find(question);
  if (it == bucket_of_.end()) return;
  buckets_[static_cast<std::size_t>(it->second)].erase(question);
  bucket_of_.erase(it);
}

void Buffer::collect(const std::string& question, int solved, std::vector<Kept> tries) {
  if (solved <= 0 && config_.unsolved == Unsolved::exclude) drop(question);
  if (solved <= 0 || solved >= group_) return;
  auto& kept = kept_[question];
  for (auto& t : tries)
    if (!t.parts.empty() && !knows(kept, t)) kept.push_back(std::move(t));
  if (config_.most > 0 && kept.size() > static_cast<std::size_t>(config_.most)) kept.erase(kept.begin(), kept.end() - config_.most);
  drop(question);
  if (kept.empty()) {  // solved, but by moves without token ids
    kept_.erase(question);
    return;
  }
  bucket_of_[question] = solved;
  buckets_[static_cast<std::size_t>(solved)].insert(question);
}

void Buffer::purge(int round) {
  for (auto it = kept_.begin(); it != kept_.end();) {
    if (config_.max_age > 0) std::erase_if(it->second, [&](const Kept& k) { return round - k.born >= config_.max_age; });
    if (retired_.contains(it->first) || it->second.empty()) {
      drop(it->first);
      it = kept_.erase(it);
    } else {
      ++it;
    }
  }
}

std::vector<std::string> Buffer::draw(int n, Rng rng) const {
  std::vector<std::string> out;
  const auto want = std::min(static_cast<std::size_t>(std::max(n, 0)), size());
  if (config_.questions == Questions::uniform) {
    for (const auto& [question, bucket] : bucket_of_) out.push_back(question);
    rng.shuffle(out);
    out.resize(want);
    return out;
  }
  std::vector<std::size_t> room, count(buckets_.size(), 0);
  for (const auto& b : buckets_) room.push_back(b.size());
  const auto weights = bucket_weights(config_, group_, room);
  for (std::size_t i = 0; i < want; ++i) ++count[pick(weights, rng)];
  std::size_t excess = 0;
  for (std::size_t k = 0; k < count.size(); ++k) {
    if (count[k] > room[k]) excess += count[k] - room[k], count[k] = room[k];
    room[k] -= count[k];
  }
  for (; excess > 0; --excess) {
    const auto k = pick(bucket_weights(config_, group_, room), rng);
    ++count[k], --room[k];
  }
  for (std::size_t k = 0; k < count.size(); ++k) {
    if (count[k] == 0) continue;
    std::vector<std::string> all(buckets_[k].begin(), buckets_[k].end());
    rng.shuffle(all);
    out.insert(out.end(), all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count[k]));
  }
  return out;
}

std::size_t Buffer::tries() const {
  return std::accumulate(kept_.begin(), kept_.end(), std::size_t{0}, [](std::size_t sum, const auto& of) { return sum + of.second.size(); });
}

int Buffer::bucket(const std::string& question) const {
  const auto it = bucket_of_.find(question);
  return it == bucket_of_.end() ? 0 : it->second;
}

const std::vector<Kept>& Buffer::kept(const std::string& question) const {
  static const std::vector<Kept> none;
  const auto it = kept_.find(question);
  return it == kept_.end() ? none : it->second;
}

void Buffer::save(Sink& sink) const {
  hone::put(sink, static_cast<std::uint64_t>(kept_.size()));
  for (const auto& [question, all] : kept_) {
    put_text(sink, question);
    hone::put(sink, bucket(question));
    hone::put(sink, static_cast<std::uint64_t>(all.size()));
    for (const auto& k : all) put(sink, k);
  }
  hone::put(sink, static_cast<std::uint64_t>(retired_.size()));
  for (const auto& question : retired_) put_text(sink, question);
}

void Buffer::load(Source& source) {
  *this = Buffer(config_, group_);
  std::uint64_t questions = 0;
  hone::get(source, questions);
  for (std::uint64_t i = 0; i < questions; ++i) {
    const auto question = get_text(source);
    int bucket = 0;
    hone::get(source, bucket);
    if (bucket < 0 || bucket >= group_)
      throw Error(Fault::corrupt, "exgrpo: checkpoint: question " + excerpt(question) + ": expected a bucket below " + std::to_string(group_) + ", got " + std::to_string(bucket));
    std::uint64_t tries = 0;
    hone::get(source, tries);
    for (std::uint64_t t = 0; t < tries; ++t) kept_[question].push_back(get_kept(source));
    if (bucket == 0) continue;
    if (tries == 0) throw Error(Fault::corrupt, "exgrpo: checkpoint: question " + excerpt(question) + ": expected stored tries in bucket " + std::to_string(bucket) + ", got none");
    bucket_of_[question] = bucket;
    buckets_[static_cast<std::size_t>(bucket)].insert(question);
  }
  std::uint64_t retired = 0;
  hone::get(source, retired);
  for (std::uint64_t i = 0; i < retired; ++i) retired_.insert(get_text(source));
}

}  // namespace hone::exgrpo
