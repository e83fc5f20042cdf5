#include "learners/poke/pairs.h"

#include <algorithm>

#include "core/error.h"

namespace hone {

namespace {

constexpr std::uint32_t unknown = 0xffffffffU;
constexpr std::size_t every = 8;  // this share of the slots is held out
constexpr std::array<const char*, 6> wanted{"px", "py", "theta", "length", "moved", "reset"};

}  // namespace

PokePairs::PokePairs(const BatchSpec& spec) : picture_(spec.observation.bytes() / 2), observation_(spec.observation.bytes()), infos_(spec.infos.size()), shows_(static_cast<std::size_t>(spec.slots), unknown) {
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const auto at = std::find(spec.infos.begin(), spec.infos.end(), wanted[i]);
    if (at == spec.infos.end()) throw Error(Fault::unavailable, std::string("poke: expected a world that says '") + wanted[i] + "' of every step, as the world poke does");
    places_[i] = static_cast<std::size_t>(at - spec.infos.begin());
  }
}

std::uint32_t PokePairs::keep(std::span<const std::byte> observation) {
  const auto number = static_cast<std::uint32_t>(pictures_.size() / picture_);
  pictures_.insert(pictures_.end(), observation.begin(), observation.begin() + static_cast<std::ptrdiff_t>(picture_));
  return number;
}

void PokePairs::sort_out(std::size_t pair) { (pairs_[pair].held_out != 0 ? held_out_ : training_).push_back(pair); }

void PokePairs::take(const Rollout& x) {
  const auto n = static_cast<std::size_t>(x.slots);
  const auto seen = [&](std::span<const std::byte> all, std::size_t row) { return all.subspan(row * observation_, observation_); };
  for (std::size_t t = 0; t < static_cast<std::size_t>(x.steps); ++t)
    for (std::size_t slot = 0; slot < n; ++slot) {
      const std::size_t k = t * n + slot;
      const auto info = x.data.info.subspan(k * infos_, infos_);
      const bool over = x.data.terminated[k] != 0 || x.data.truncated[k] != 0 || x.data.fault[k] != 0;
      if (x.fresh[k] != 0 || shows_[slot] == unknown) shows_[slot] = keep(seen(x.data.obs, k));
      const std::uint32_t before = shows_[slot];
      if (x.data.fault[k] != 0) {
        shows_[slot] = unknown;
        continue;
      }
      const std::uint32_t after = keep(over ? seen(x.data.final_obs, k) : seen(x.data.obs, k + n));
      shows_[slot] = over ? unknown : after;
      if (info[places_[5]] != 0.0F) continue;
      pairs_.push_back({before, after, {info[places_[0]], info[places_[1]], info[places_[2]], info[places_[3]]}, static_cast<std::uint8_t>(info[places_[4]] != 0.0F),
                        static_cast<std::uint8_t>(slot % every == every - 1)});
      sort_out(pairs_.size() - 1);
    }
}

void PokePairs::clear() {
  pictures_ = {}, pairs_.clear(), training_.clear(), held_out_.clear();
  std::fill(shows_.begin(), shows_.end(), unknown);
}

void PokePairs::save(Sink& sink) const {
  put(sink, static_cast<std::uint64_t>(pictures_.size()));
  sink.write(pictures_);
  put(sink, static_cast<std::uint64_t>(pairs_.size()));
  for (const Pair& p : pairs_) put(sink, p.before), put(sink, p.after), put(sink, p.poke), put(sink, p.met), put(sink, p.held_out);
  sink.write(std::as_bytes(std::span(shows_)));
}

void PokePairs::load(Source& source) {
  std::uint64_t bytes = 0, count = 0;
  get(source, bytes);
  if (bytes % picture_ != 0) throw Error(Fault::corrupt, "poke: the saved pictures are of another size");
  pictures_.resize(bytes);
  source.read(pictures_);
  get(source, count);
  const std::size_t pictures = pictures_.size() / picture_;
  pairs_.clear(), training_.clear(), held_out_.clear();
  for (std::uint64_t i = 0; i < count; ++i) {
    Pair p;
    get(source, p.before), get(source, p.after), get(source, p.poke), get(source, p.met), get(source, p.held_out);
    if (p.before >= pictures || p.after >= pictures) throw Error(Fault::corrupt, "poke: a saved pair names a picture that is not there");
    pairs_.push_back(p);
    sort_out(pairs_.size() - 1);
  }
  source.read(std::as_writable_bytes(std::span(shows_)));
}

void PokeSelection::gather_shifted(const PokePairs& pairs, std::span<const std::size_t> which, const PokeBins& bins, int side, int shift, Rng& rng) {
  before_.clear(), after_.clear(), classes_.clear(), numbers_.clear();
  const auto moved = [&](std::span<const std::byte> from, int right, int down, std::vector<std::byte>& to) {
    for (int plane = 0; plane < 3; ++plane)
      for (int row = 0; row < side; ++row) {
        const std::byte* source = from.data() + static_cast<std::ptrdiff_t>(plane * side + std::clamp(row - down, 0, side - 1)) * side;
        for (int col = 0; col < side; ++col) to.push_back(source[std::clamp(col - right, 0, side - 1)]);
      }
  };
  for (const std::size_t i : which) {
    const PokePairs::Pair& p = pairs[i];
    const int right = static_cast<int>(rng.below(static_cast<std::uint64_t>(2 * shift + 1))) - shift, down = static_cast<int>(rng.below(static_cast<std::uint64_t>(2 * shift + 1))) - shift;
    moved(pairs.picture(p.before), right, down, before_);
    moved(pairs.picture(p.after), right, down, after_);
    Poke poke = p.poke;
    poke.px += static_cast<float>(right) / static_cast<float>(side), poke.py += static_cast<float>(down) / static_cast<float>(side);
    classes_.push_back(bins.of(poke, p.met != 0));
    const auto numbers = bins.numbers(poke);
    numbers_.insert(numbers_.end(), numbers.begin(), numbers.end());
  }
}

void PokeSelection::gather(const PokePairs& pairs, std::span<const std::size_t> which, const PokeBins& bins) {
  before_.clear(), after_.clear(), classes_.clear(), numbers_.clear();
  for (const std::size_t i : which) {
    const PokePairs::Pair& p = pairs[i];
    const auto from = pairs.picture(p.before), to = pairs.picture(p.after);
    before_.insert(before_.end(), from.begin(), from.end());
    after_.insert(after_.end(), to.begin(), to.end());
    classes_.push_back(bins.of(p.poke, p.met != 0));
    const auto numbers = bins.numbers(p.poke);
    numbers_.insert(numbers_.end(), numbers.begin(), numbers.end());
  }
}

}  // namespace hone
