// What a run leaves for a person to read: one object with everything the page shows, and the page itself, one HTML file that
// needs no network.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/arms.h"
#include "engine/recording.h"
#include "engine/replay.h"

namespace hone {

// Tries of one arm, or of learning, that ended by a fault.
struct Faults {
  std::string of;     // "learning", or the arm
  std::int64_t tries = 0, faults = 0;
  std::string first;  // why the first of them did
  void count(const Episode& episode);
  std::string told() const;  // in a sentence
  std::string nothing_got_through() const;
};

struct ReportData {
  const Recipe* recipe = nullptr;
  const Opened* opened = nullptr;
  const Store* store = nullptr;
  std::string run;
  std::vector<ArmResult> arms;
  std::vector<CurvePoint> curve;
  std::vector<Change> changes;
  std::vector<Recording> recordings;  // reflex tempo: the learned policy on unseen tasks
  LearnState learned;
  std::vector<Faults> faults;  // only of what had some, see faults_of()
  double seconds = 0.0;
  std::vector<std::string> warnings;
  std::filesystem::path report_path, home;
  bool resumed = false;
};

// Learning, then each arm on validation and test tasks.
std::vector<Faults> faults_of(const ReportData& data);
// Why the run says nothing, empty when it does: no try got through of any arm that asks a model (without evaluation: of learning).
std::string why_failed(const ReportData& data);

wire::Json interval_json(const Interval& interval);
// The object that scripts read: baseline, learned, difference, seconds, tokens, money, faults, report; without evaluation the sides are absent.
wire::Json result_json(const ReportData& data);
wire::Json report_json(const ReportData& data);
// The name of a recording's animated picture, which lies beside the report.
std::string recording_file(std::size_t i);
// Fills web/report.html. Text can't end the script element it is put in.
std::string report_html(const wire::Json& report);
// Writes beside itself and renames, so that a reader never sees half a file.
void write_file(const std::filesystem::path& path, std::string_view text);

}  // namespace hone
