#include "engine/recording.h"

namespace hone {

Recorder::Recorder(const Space& observation, std::size_t episodes, std::size_t pictures) : episodes_(episodes), most_(pictures) {
  const auto& shape = observation.shape;
  if (observation.kind != SpaceKind::box || observation.dtype != Dtype::u8 || shape.size() != 3) return;
  if (shape[0] != 1 && shape[0] != 3 && shape[0] != 4 && shape[0] != 6) return;
  if (shape[1] > 256 || shape[2] > 256) return;  // a report is to be mailed
  channels_ = static_cast<int>(shape[0]), height_ = static_cast<int>(shape[1]), width_ = static_cast<int>(shape[2]);
}

std::vector<std::byte> Recorder::picture_of(std::span<const std::byte> observation) const {
  const auto h = static_cast<std::size_t>(height_), w = static_cast<std::size_t>(width_), c = static_cast<std::size_t>(channels_);
  const std::size_t colours = c % 3 == 0 ? 3 : 1, side_by_side = c == 6 ? 2 : 1, first = c == 4 ? 3 : 0;
  std::vector<std::byte> out(h * w * side_by_side * colours);
  for (std::size_t y = 0; y < h; ++y)
    for (std::size_t x = 0; x < w * side_by_side; ++x)
      for (std::size_t k = 0; k < colours; ++k)
        out[(y * w * side_by_side + x) * colours + k] = observation[((first + x / w * 3 + k) * h + y) * w + x % w];
  return out;
}

void Recorder::see(std::size_t task, std::span<const std::byte> observation) {
  if (channels_ == 0 || task >= episodes_) return;
  const auto [it, fresh] = kept_.try_emplace(task);
  Kept& kept = it->second;
  Recording& r = kept.recording;
  if (fresh) r.width = width_ * (channels_ == 6 ? 2 : 1), r.height = height_, r.colours = channels_ % 3 == 0 ? 3 : 1;
  else ++r.steps;
  kept.newest = picture_of(observation);
  if (r.steps % r.every != 0) return;
  r.pictures.push_back(kept.newest);
  if (r.pictures.size() < most_) return;
  for (std::size_t i = 1; 2 * i < r.pictures.size(); ++i) r.pictures[i] = std::move(r.pictures[2 * i]);  // every second one stays
  r.pictures.resize((r.pictures.size() + 1) / 2);
  r.every *= 2;
}

void Recorder::end(std::size_t task, const std::string& name, double score) {
  const auto it = kept_.find(task);
  if (it == kept_.end()) return;
  Recording& r = it->second.recording;
  if (r.steps % r.every != 0) r.pictures.push_back(it->second.newest);
  r.task = name, r.score = score;
  it->second.ended = true;
}

std::vector<Recording> Recorder::take() const {
  std::vector<Recording> out;
  for (const auto& [task, kept] : kept_)
    if (kept.ended) out.push_back(kept.recording);
  return out;
}

}  // namespace hone
