// Requests of the user's own, CSV and JSONL: the bytes are tried as both.
#include "envs/requests.h"

#include "envs/desk.h"
#include "fuzz.h"

using namespace hone;

namespace {

void check_row(const LabelledText& row, int before) {
  fuzz::check(!row.text.empty() && !row.label.empty(), "text and label are there");
  fuzz::check(wire::valid_utf8(row.text) == row.text && wire::valid_utf8(row.label) == row.label, "text is UTF-8");
  fuzz::check(row.text.find('\0') == std::string::npos || row.label.find('\0') == std::string::npos, "at most JSON brings NUL");
  fuzz::check(shown_label(row.label) == row.label, "a shown label stays as it is");
  fuzz::check(row.line > before, "lines rise");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text = fuzz::text_of(data, size);
  for (const char* name : {"fuzz.csv", "fuzz.jsonl"})
    fuzz::refusing([&] {
      const auto rows = parse_requests(text, name, {});
      int before = 0;
      for (const auto& row : rows) {
        check_row(row, before);
        before = row.line;
      }
      DeskConfig config;
      config.fit = true;
      const DeskSplits splits = split_desk(rows, {}, config);
      fuzz::check(splits.queues.size() >= 2, "a desk has two queues");
      fuzz::check(splits.train.size() + splits.validation.size() + splits.test.size() <= rows.size(), "no request is made up");
    });
  return 0;
}
