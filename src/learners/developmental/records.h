// What the cycle leaves behind, one JSON object a line, and where each training row comes from.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "learners/developmental/answer.h"
#include "learners/developmental/judge.h"
#include "wire/json.h"

namespace hone::developmental {

// kind: dilemma, attempt, reflection, analysis, hypothesis. id: "SITUATION/KIND/ROUND" (a dilemma's is its own). hash: SHA-256 of the rest.
struct Record {
  std::string kind, id, hash;
  wire::Json body;
};
Record make_record(std::string kind, const Situation& situation, int round, wire::Json body);
wire::Json to_json(const Record& record);
// Throws Error{corrupt} when the hash is not that of the body.
Record record_from_json(const wire::Json& json, const std::string& at);

// One dilemma's way through the cycle.
struct Story {
  Situation situation;
  std::vector<Record> records;
  std::string first, last;      // the experience's answer and the last revision's
  Rating first_rating, last_rating;
  int rounds = 0;               // of analysis, hypothesis and revision
  bool accepted = false;
  std::string dropped;          // why there is no pair
};
wire::Json to_json(const Story& story);
Story story_from_json(const wire::Json& json, const std::string& at);

// id and hash of the dilemma, experience, reflection, analysis, hypothesis and revision that the story's pair comes from. Throws
// Error{corrupt} that names what is missing or changed: a row without its whole cycle is none.
wire::Json provenance(const Story& story);

// One a line; whole or not at all. Throws Error{io}.
void write_lines(const std::filesystem::path& path, const std::vector<wire::Json>& lines);

// JSONL of {id, split, domain, scenario, question}; Error with file and line.
std::vector<Situation> read_situations(const std::string& path);

}  // namespace hone::developmental
