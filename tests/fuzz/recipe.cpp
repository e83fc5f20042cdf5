// A recipe from a stranger: read or refused with one error; what was read gives the same recipe when read again.
#include "engine/recipe.h"

#include "fuzz.h"

using namespace hone;

namespace {

// "#set key=value" lines are overrides, so that an input can hold them too.
std::vector<std::string> overrides_in(const std::string& text) {
  std::vector<std::string> out;
  constexpr std::string_view mark = "#set ";
  for (std::size_t at = 0; at < text.size() && out.size() < 4;) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (text.compare(at, mark.size(), mark) == 0) out.push_back(text.substr(at + mark.size(), end - at - mark.size()));
    at = end + 1;
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text = fuzz::text_of(data, size);
  fuzz::refusing([&] {
    const Recipe once = parse_recipe(text, "fuzz.yaml", overrides_in(text));
    const std::string what = recipe_fingerprint(once);
    fuzz::must("an accepted recipe can be read again", [&] { fuzz::check(recipe_fingerprint(parse_recipe(once.text, "again.yaml")) == what, "the same recipe"); });
  });
  return 0;
}
