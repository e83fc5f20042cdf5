// Every back end of the catalogue against the one contract. The local ones need pulled models.
#include "conformance/model_conformance.h"

#include "models/catalogue.h"

namespace hone {
namespace {

struct Specs {
  std::string model, embedder;
};

// What to open for a back end; a new one without a line here fails.
Specs specs_of(const BackendEntry& entry) {
  if (entry.name == "scripted") return {"scripted:echo", "scripted:32"};
  if (entry.name == "local") return {"smollm2-135m", "all-minilm-l6-v2"};
  ADD_FAILURE() << "back end " << entry.name << " has no model to test it with: add it to specs_of";
  return {};
}

bool missing(const std::string& spec) { return find_model(spec) != nullptr && !model_status(spec).present; }

class EveryBackEnd : public testing::TestWithParam<std::size_t> {
 protected:
  const BackendEntry& entry = backend_catalog()[GetParam()];
};

TEST_P(EveryBackEnd, KeepsTheContractOfModelAndChooser) {
  const Specs specs = specs_of(entry);
  if (missing(specs.model)) GTEST_SKIP() << specs.model << " is not pulled (hone model pull " << specs.model << ")";
  EXPECT_TRUE(entry.handles(specs.model));
  const OpenModel open = open_model(specs.model);
  ASSERT_NE(open.model, nullptr);
  conformance::check_model(*open.model);
  if (open.chooser != nullptr) conformance::check_chooser(*open.chooser);
}

TEST_P(EveryBackEnd, KeepsTheContractOfEmbedder) {
  const Specs specs = specs_of(entry);
  if (missing(specs.embedder)) GTEST_SKIP() << specs.embedder << " is not pulled (hone model pull " << specs.embedder << ")";
  const auto embedder = open_embedder(specs.embedder);
  conformance::check_embedder(*embedder);
}

INSTANTIATE_TEST_SUITE_P(Catalogue, EveryBackEnd, testing::Range<std::size_t>(0, backend_catalog().size()),
                         [](const auto& p) { return std::string(backend_catalog()[p.param].name); });

}  // namespace
}  // namespace hone
