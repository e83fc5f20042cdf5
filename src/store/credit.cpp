// What a lesson is worth, and how many are duplicates or junk.
#include <algorithm>
#include <cmath>

#include "store/impl.h"

namespace hone {

using namespace store_detail;

namespace {

struct Side {
  std::int64_t n = 0;
  double sum = 0.0, squares = 0.0;
  double mean() const { return n == 0 ? 0.0 : sum / static_cast<double>(n); }
  double variance() const {  // of a try, unbiased
    const auto count = static_cast<double>(n);
    return n < 2 ? 0.0 : std::max(0.0, (squares - sum * sum / count) / (count - 1.0));
  }
};

Side side(Statement row) {
  row.step();
  return {row.integer(0), row.integer(0) == 0 ? 0.0 : row.real(1), row.integer(0) == 0 ? 0.0 : row.real(2)};
}

LessonCredit compare(const std::string& lesson, bool randomised, const Side& with, const Side& without) {
  LessonCredit credit{
      lesson, randomised, with.n, without.n, with.mean(), without.mean(), with.mean() - without.mean(),
      -1.0,   1.0};
  if (with.n >= 2 && without.n >= 2) {
    const double error = std::sqrt(with.variance() / static_cast<double>(with.n) +
                                   without.variance() / static_cast<double>(without.n));
    credit.low = credit.difference - 1.959964 * error;
    credit.high = credit.difference + 1.959964 * error;
  }
  return credit;
}

std::string trimmed_text(const Lesson& lesson) {
  std::string text;
  if (const auto* insight = std::get_if<Insight>(&lesson.what)) text = insight->text;
  if (const auto* skill = std::get_if<Skill>(&lesson.what)) text = skill->code;
  if (const auto* example = std::get_if<Case>(&lesson.what)) text = example->task + example->transcript;
  if (const auto* weights = std::get_if<Weights>(&lesson.what)) text = weights->artifact_sha;
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::int64_t characters(std::string_view utf8) {
  return std::count_if(utf8.begin(), utf8.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
}

// Tries that could have been offered the lesson: its scope at a version that shows it, its world and kind.
constexpr const char* could_have =
    " FROM episode e WHERE e.scope = ? AND e.lessons >= ? AND (? = 0 OR e.lessons < ?) AND (? = '' OR e.env "
    "= ?) AND (? = '' OR e.kind = ?)";

template <class... Rest>
Statement over_tries(Db& db, const std::string& select, const StoredLesson& s, const std::string& extra,
                     const Rest&... rest) {
  return db.query(select + could_have + extra, s.lesson.scope, s.added, s.retired, s.retired, s.lesson.env,
                  s.lesson.env, s.lesson.kind, s.lesson.kind, rest...);
}

}  // namespace

std::vector<LessonCredit> Store::credit(std::string_view scope) const {
  const Lock lock(impl_->mutex);
  Db& db = impl_->db;
  std::vector<LessonCredit> out;
  LessonQuery query;
  query.scope = std::string(scope);
  query.retired = true;
  for (const auto& s : lessons(query)) {
    const std::string& id = s.lesson.id;
    const auto of = [&](const char* which) {
      return side(db.query(
          "SELECT count(*), sum(score), sum(score * score) FROM lesson_trial WHERE lesson = ? AND side = ?",
          id, which));
    };
    const Side with = of("with");
    const Side without = of("without");
    if (without.n > 0) {
      out.push_back(compare(id, true, with, without));
    } else if (with.n > 0) {
      const Side others = side(over_tries(db, "SELECT count(*), sum(e.score), sum(e.score * e.score)", s,
                                          " AND NOT EXISTS (SELECT 1 FROM lesson_use u WHERE u.episode = "
                                          "e.seq AND u.lesson = ? AND u.used = 1)",
                                          id));
      out.push_back(compare(id, false, with, others));
    }
  }
  return out;
}

LessonRates Store::rates(std::string_view scope, const RateOptions& options) const {
  const Lock lock(impl_->mutex);
  Db& db = impl_->db;
  LessonRates rates;
  LessonQuery query;
  query.scope = std::string(scope);
  const auto live = lessons(query);
  rates.live = static_cast<std::int64_t>(live.size());
  if (live.empty()) return rates;
  for (const auto& s : live) {
    bool junk = characters(trimmed_text(s.lesson)) < options.min_characters;
    if (!junk && options.unrecalled_after > 0 &&
        !db.query("SELECT 1 FROM lesson_use WHERE lesson = ? LIMIT 1", s.lesson.id).step()) {
      auto tries = over_tries(db, "SELECT count(*)", s, "");
      tries.step();
      junk = tries.integer(0) >= options.unrecalled_after;
    }
    rates.junk += junk ? 1 : 0;
  }
  snapshot(scope);  // brings the index up to date
  const auto index = impl_->indexes.find(clean(scope));
  if (index != impl_->indexes.end())
    rates.duplicates =
        std::min(rates.live, index->second->duplicates(index->second->version, options.key, options.cosine));
  rates.duplicate_rate = static_cast<double>(rates.duplicates) / static_cast<double>(rates.live);
  rates.junk_rate = static_cast<double>(rates.junk) / static_cast<double>(rates.live);
  return rates;
}

}  // namespace hone
