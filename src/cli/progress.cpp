#include "cli/progress.h"

#include <fmt/format.h>

#include "cli/terminal.h"

namespace hone::cli {

namespace {

double number(const wire::Json& fields, const char* name) {
  const auto it = fields.find(name);
  return it != fields.end() && it->is_number() ? it->get<double>() : 0.0;
}
std::string text(const wire::Json& fields, const char* name) {
  const auto it = fields.find(name);
  return it != fields.end() && it->is_string() ? it->get<std::string>() : std::string();
}

// Draws for a person. Learning keeps its bar over many rounds; its total is training tasks, not episodes.
class Drawing {
 public:
  void on(const Event& e) {
    const auto& f = e.fields;
    if (e.kind == "run") on_run(f);
    else if (e.kind == "phase") on_phase(f);
    else if (e.kind == "progress") bar_.update(number(f, "done"), progress_tail(f));
    else if (e.kind == "episode") on_episode(f);
    else if (e.kind == "generation") on_generation(f);
    else if (e.kind == "curve") line(fmt::format("  after {:>4} tasks: {:>7} on validation tasks [{} to {}]", number(f, "tasks_seen"), percent(f["score"]["mean"]), percent(f["score"]["low"]), percent(f["score"]["high"])));
    else if (e.kind == "arm") line(fmt::format("  {}: {} of {} [{} to {}]", bold(text(f, "arm")), percent(f["score"]["mean"]), counted(number(f, "tasks"), "unseen task"), percent(f["score"]["low"]), percent(f["score"]["high"])));
    else if (e.kind == "warning") line("  warning: " + printable_lines(text(f, "text")));
    else if (e.kind == "message") line(dim("  " + printable_lines(text(f, "text"))));
    else if (e.kind == "round") on_round(f);
  }

 private:
  void line(const std::string& s) {
    bar_.finish();
    note(s);
    if (learning_) bar_.start("learning", total_);
  }
  void on_run(const wire::Json& f) {
    note(fmt::format("{} run {} of '{}': {} by {}, model {}, seed {}; {} to learn from, {} to judge by", f.value("resumed", false) ? "resuming" : "starting",
                     text(f, "run").substr(0, 13), printable(text(f, "name"), 200), text(f, "env"), text(f, "method"), text(f, "model").empty() ? "none" : text(f, "model"), number(f, "seed"),
                     counted(number(f, "train_tasks"), "task"), counted(number(f, "test_tasks"), "unseen one")));
  }
  void on_phase(const wire::Json& f) {
    const auto phase = text(f, "phase");
    learning_ = phase == "learning";
    if (learning_) total_ = number(f, "total");
    start(phase, number(f, "total"));
  }
  void start(const std::string& phase, double total) {
    tokens_before_ = 0.0;
    phase_started_ = std::chrono::steady_clock::now();
    bar_.start(phase, total);
  }
  std::string rate(double tokens) const {
    const double spent = std::chrono::duration<double>(std::chrono::steady_clock::now() - phase_started_).count();
    return spent > 0.2 && tokens > tokens_before_ ? count((tokens - tokens_before_) / spent) + " tok/s" : "";
  }
  std::string progress_tail(const wire::Json& f) const {
    if (!f.contains("score")) return "";
    return fmt::format("score {:>7}  {}", percent(number(f, "score")), rate(number(f, "tokens")));
  }
  void on_episode(const wire::Json& f) {
    if (!learning_) {  // back from a point of the curve
      learning_ = true;
      start("learning", total_);
      tokens_before_ = number(f, "tokens");
    }
    ++played_;
    solved_ += f.value("solved", false);
    bar_.update(number(f, "tasks_seen"), fmt::format("solved {:>7}  {}  {}", percent(solved_ / played_), counted(number(f, "n"), "try", "tries"), rate(number(f, "tokens"))));
  }
  void on_generation(const wire::Json& f) {
    if (!learning_) return;
    const auto role = text(f, "role");
    bar_.tail(fmt::format("{} {}", role, number(f, "done")));
  }
  void on_round(const wire::Json& f) {
    if (played_ > 0 || !f.contains("metrics") || !f["metrics"].contains("rollout/return")) return;
    const auto round = number(f, "round");
    bar_.update(round, fmt::format("episodes {}  return {:.3f}", count(number(f, "episodes")), f["metrics"]["rollout/return"].get<double>()));
  }
  Bar bar_;
  bool learning_ = false;
  double total_ = 0.0, tokens_before_ = 0.0, played_ = 0.0, solved_ = 0.0;
  std::chrono::steady_clock::time_point phase_started_;
};

}  // namespace

Listener make_listener(bool json) {
  if (json)
    return [](const Event& e) {
      wire::Json out{{"event", e.kind}};
      for (const auto& [key, value] : e.fields.items()) out[key] = value;
      print_json(out);
    };
  auto drawing = std::make_shared<Drawing>();  // the listener is copied, the drawing is one
  return [drawing](const Event& e) { drawing->on(e); };
}

}  // namespace hone::cli
