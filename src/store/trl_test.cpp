#include <sstream>

#include "store/test_support.h"
#include "store/transfer.h"

namespace hone {
namespace {

using namespace store_test;

Episode tried(const std::string& run, const std::string& key, const std::vector<std::pair<std::string, std::string>>& steps, bool solved) {
  Episode e = an_episode(run, key, "find it");
  e.task.id = "t";
  e.steps.clear();
  for (const auto& [seen, did] : steps) {
    Step step;
    step.seen.text = seen;
    step.did.action = did;
    e.steps.push_back(step);
  }
  e.solved = solved;
  return e;
}

std::string exported(const Store& store, ExportFormat format) {
  std::ostringstream out;
  export_jsonl(store, out, {.format = format});
  return out.str();
}

TEST(Trl, SolvedTriesAreChatsAndFailedOnesPairsWhereTheyPart) {
  Store store(":memory:");
  const std::string run = a_run(store);
  store.append(tried(run, "a", {{"door", "open"}, {"room", "left"}}, true));
  store.append(tried(run, "b", {{"door", "open"}, {"room", "right"}, {"wall", "stop"}}, false));
  store.append(tried(run, "c", {{"gate", "open"}}, false));  // saw something else: no pair
  Episode broken = tried(run, "d", {{"door", "kick"}}, false);
  broken.ending = Ending::fault;
  store.append(broken);
  EXPECT_EQ(exported(store, ExportFormat::trl_sft),
            R"({"messages":[{"role":"user","content":"find it\ndoor"},{"role":"assistant","content":"open"},{"role":"user","content":"room"},{"role":"assistant","content":"left"}]})"
            "\n");
  EXPECT_EQ(exported(store, ExportFormat::trl_dpo),
            R"({"prompt":[{"role":"user","content":"find it\ndoor"},{"role":"assistant","content":"open"},{"role":"user","content":"room"}],)"
            R"("chosen":[{"role":"assistant","content":"left"}],"rejected":[{"role":"assistant","content":"right"}]})"
            "\n");
}

TEST(Trl, EveryMoveIsMarkedWithHowItsTryEnded) {
  Store store(":memory:");
  const std::string run = a_run(store);
  store.append(tried(run, "a", {{"door", "open"}, {"room", "left"}}, true));
  store.append(tried(run, "b", {{"gate", "kick"}}, false));
  Episode broken = tried(run, "c", {{"door", "kick"}}, false);
  broken.ending = Ending::fault;
  store.append(broken);
  EXPECT_EQ(exported(store, ExportFormat::trl_kto),
            R"({"prompt":[{"role":"user","content":"find it\ndoor"}],"completion":[{"role":"assistant","content":"open"}],"label":true})"
            "\n"
            R"({"prompt":[{"role":"user","content":"find it\ndoor"},{"role":"assistant","content":"open"},{"role":"user","content":"room"}],)"
            R"("completion":[{"role":"assistant","content":"left"}],"label":true})"
            "\n"
            R"({"prompt":[{"role":"user","content":"find it\ngate"}],"completion":[{"role":"assistant","content":"kick"}],"label":false})"
            "\n");
}

}  // namespace
}  // namespace hone
