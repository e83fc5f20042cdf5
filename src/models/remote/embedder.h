// Sentence vectors from /embeddings, up to 64 texts a request, brought to unit length. The dimension is that of the first vector
// (asked for when the embedder is opened); any other later is one Error{bad_input}. An empty text is sent as one blank: servers
// refuse empty ones. What a request used, as the server says it or estimated as for models, is told to the thread's errand.
#pragma once

#include <memory>
#include <string>

#include "core/model.h"
#include "models/remote/server.h"

namespace hone::remote {

class RemoteEmbedder final : public Embedder {
 public:
  RemoteEmbedder(const std::string& spec, const RemoteOptions& options);
  const ModelFacts& facts() const override { return facts_; }
  int dimensions() const override { return dimensions_; }
  void embed(std::span<const std::string_view> texts, std::span<float> out) override;

 private:
  std::vector<std::vector<float>> vectors(std::span<const std::string_view> texts);

  Server server_;
  ModelFacts facts_;
  std::string model_;
  int dimensions_ = 0;
};

}  // namespace hone::remote
