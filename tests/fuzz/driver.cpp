// Runs a fuzz target without libFuzzer: every input of the files and folders named, then with --seconds mutations of them.
// Built with gcc's -fsanitize-coverage=trace-pc (preset "fuzz") it keeps inputs that reach new code; without, it mutates the
// corpus alone. Same seed, same mutations. What fails is written to --keep and the status is not 0.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "core/rng.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace {

using Clock = std::chrono::steady_clock;
namespace fs = std::filesystem;

// ---- where the program has been, by hashed address: how often, in powers of two
constexpr std::size_t map_size = 1U << 18;
std::uint8_t hits[map_size], reached[map_size];
bool recording = false;

std::uint8_t bucket(std::uint8_t n) { return n == 0 ? 0 : n < 4 ? static_cast<std::uint8_t>(1U << (n - 1)) : n < 16 ? 8 : n < 128 ? 16 : 32; }

// Whether this run went somewhere new.
bool learn_hits() {
  bool news = false;
  for (std::size_t i = 0; i < map_size; ++i) {
    const std::uint8_t b = bucket(hits[i]);
    if ((b & ~reached[i]) == 0) continue;
    reached[i] = static_cast<std::uint8_t>(reached[i] | b);
    news = true;
  }
  return news;
}

// ---- the input at hand, for whoever reports the end of the process
const char* keep_folder = ".";
const std::uint8_t* current = nullptr;
std::size_t current_size = 0;
const char* current_name = "";

void keep_current() {
  if (current == nullptr) return;
  std::uint64_t hash = 1469598103934665603ULL;
  for (std::size_t i = 0; i < current_size; ++i) hash = (hash ^ current[i]) * 1099511628211ULL;
  char path[4096];
  std::snprintf(path, sizeof path, "%s/crash-%016llx", keep_folder, static_cast<unsigned long long>(hash));
  if (std::FILE* out = std::fopen(path, "wb")) {
    std::fwrite(current, 1, current_size, out);
    std::fclose(out);
  }
  std::fprintf(stderr, "fuzz: failed on %s, %zu bytes, kept as %s\n", current_name, current_size, path);
  current = nullptr;
}

constexpr unsigned longest_seconds = 10;  // for one input

void on_signal(int number) {
  if (number == SIGALRM) std::fprintf(stderr, "fuzz: no answer within %u s\n", longest_seconds);
  keep_current();
  _exit(1);
}

void run_one(const std::string& input, const char* name) {
  const std::vector<std::uint8_t> exact(input.begin(), input.end());  // so that reading over its end shows
  current = exact.data();
  current_size = exact.size();
  current_name = name;
  std::memset(hits, 0, sizeof hits);
  alarm(longest_seconds);
  try {
    recording = true;
    LLVMFuzzerTestOneInput(exact.data(), exact.size());
    recording = false;
  } catch (const std::exception& e) {
    recording = false;
    std::fprintf(stderr, "fuzz: an exception that is no Error: %s\n", e.what());
    keep_current();
    std::exit(1);
  }
  alarm(0);
  current = nullptr;
}

// ---- mutation
struct Mutator {
  hone::Rng rng;
  std::vector<std::string> words;  // of the dictionary
  std::size_t max_bytes = 4096;

  std::size_t below(std::size_t n) { return n == 0 ? 0 : static_cast<std::size_t>(rng.below(n)); }

  // A stretch of `s`, mostly short.
  std::pair<std::size_t, std::size_t> stretch(const std::string& s) {
    const std::size_t at = below(s.size());
    const std::size_t most = below(4) == 0 ? s.size() : 16;
    return {at, std::min(1 + below(most), s.size() - at)};
  }

  void change(std::string& s, const std::vector<std::string>& corpus) {
    static const char* const numbers[] = {"0", "-1", "1", "255", "256", "65536", "2147483647", "2147483648", "-2147483649", "4294967296", "9223372036854775807",
                                          "9223372036854775808", "18446744073709551616", "1e308", "1e999", "-0.0", "1e-400", "0.5", "nan", "00"};
    static const char* const texts[] = {"\"", "\\", "\n", "\r\n", "\r", "\t", "{", "}", "[", "]", ",", ":", "null", "true", "\\u0000", "\\ud800", "\xC3\xA9", "\xEF\xBB\xBF", "\xFF", "\xED\xA0\x80", "\xC2\x85"};
    const auto [at, n] = s.empty() ? std::pair<std::size_t, std::size_t>{0, 0} : stretch(s);
    switch (below(12)) {
      case 0:
        if (!s.empty()) s[at] = static_cast<char>(s[at] ^ (1U << below(8)));
        break;
      case 1:
        if (!s.empty()) s[at] = static_cast<char>(below(256));
        break;
      case 2: s.erase(at, n); break;
      case 3: s.insert(below(s.size() + 1), s.substr(at, n)); break;
      case 4: s.insert(at, 1, static_cast<char>(below(256))); break;
      case 5: s.insert(at, texts[below(std::size(texts))]); break;
      case 6: number(s, numbers[below(std::size(numbers))]); break;
      case 7:
        if (!corpus.empty()) {
          const std::string& other = corpus[below(corpus.size())];
          if (!other.empty()) {
            const auto [from, length] = stretch(other);
            s.replace(at, below(2) == 0 ? 0 : n, other, from, length);
          }
        }
        break;
      case 8: swap_lines(s); break;
      case 9: s.resize(at); break;
      default:
        if (!words.empty()) {
          const std::string& word = words[below(words.size())];
          s.replace(at, below(2) == 0 ? 0 : std::min(word.size(), s.size() - at), word);
        }
    }
  }

  // Another number in the place of one.
  void number(std::string& s, const char* with) {
    if (s.empty()) return;
    const std::size_t at = s.find_first_of("0123456789", below(s.size()));
    if (at == std::string::npos) return;
    const std::size_t end = s.find_first_not_of("0123456789.eE+-", at);
    s.replace(at, (end == std::string::npos ? s.size() : end) - at, with);
  }

  void swap_lines(std::string& s) {
    const std::size_t a = s.find('\n', below(s.size() + 1));
    if (a == std::string::npos) return;
    const std::size_t b = std::min(s.find('\n', a + 1), s.size() - 1);
    if (b <= a) return;
    const std::string line = s.substr(a + 1, b - a);
    s.erase(a + 1, b - a);
    const std::size_t to = s.rfind('\n', below(a + 1));
    s.insert(to == std::string::npos ? 0 : to + 1, line);
  }

  std::string mutated(const std::vector<std::string>& corpus) {
    std::string s = corpus.empty() ? std::string() : corpus[below(corpus.size())];
    for (std::size_t i = 0, n = std::size_t{1} << below(5); i < n; ++i) change(s, corpus);
    if (s.size() > max_bytes) s.resize(max_bytes);
    return s;
  }
};

// libFuzzer's format: name="text" or "text", with \xAB, \\ and \".
std::vector<std::string> read_dictionary(const fs::path& path) {
  std::vector<std::string> words;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    const std::size_t from = line.find('"'), to = line.rfind('"');
    if (line.starts_with("#") || from == to) continue;
    std::string word;
    for (std::size_t i = from + 1; i < to; ++i) {
      if (line[i] != '\\' || i + 1 >= to) {
        word += line[i];
      } else if (line[++i] == 'x' && i + 2 < to) {
        word += static_cast<char>(std::stoi(line.substr(i + 1, 2), nullptr, 16));
        i += 2;
      } else {
        word += line[i];
      }
    }
    words.push_back(word);
  }
  return words;
}

std::string bytes_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void add_files(const fs::path& path, std::vector<fs::path>& out) {
  if (!fs::exists(path)) return;
  if (!fs::is_directory(path)) {
    out.push_back(path);
    return;
  }
  for (const auto& entry : fs::directory_iterator(path))
    if (entry.is_regular_file()) out.push_back(entry.path());
}

[[noreturn]] void usage() {
  std::fprintf(stderr, "usage: fuzz_TARGET [--seconds N] [--seed N] [--max-bytes N] [--dict FILE] [--keep FOLDER] [--grow FOLDER] FILE_OR_FOLDER...\n");
  std::exit(2);
}

}  // namespace

extern "C" void __sanitizer_cov_trace_pc() {
  if (!recording) return;
  const auto at = reinterpret_cast<std::uintptr_t>(__builtin_return_address(0));
  std::uint8_t& n = hits[(at ^ (at >> 18)) & (map_size - 1)];
  if (n < 255) ++n;
}

int main(int argc, char** argv) {
  double seconds = 0.0;
  std::uint64_t seed = 1;
  Mutator mutator{hone::Rng(1), {}, 4096};
  std::vector<fs::path> files;
  std::string grow;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (!word.starts_with("--")) {
      add_files(argv[i], files);
      continue;
    }
    if (i + 1 == argc) usage();
    const char* value = argv[++i];
    if (word == "--seconds") seconds = std::atof(value);
    else if (word == "--seed") seed = std::strtoull(value, nullptr, 10);
    else if (word == "--max-bytes") mutator.max_bytes = std::strtoull(value, nullptr, 10);
    else if (word == "--dict") mutator.words = read_dictionary(value);
    else if (word == "--keep") keep_folder = value;
    else if (word == "--grow") grow = value;
    else usage();
  }
  for (const int s : {SIGALRM, SIGABRT}) signal(s, on_signal);
  if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(keep_current);
  else signal(SIGSEGV, on_signal);

  std::sort(files.begin(), files.end());
  std::vector<std::string> corpus;
  for (const auto& file : files) {
    corpus.push_back(bytes_of(file));
    run_one(corpus.back(), file.c_str());
    learn_hits();
  }
  if (corpus.empty()) {
    std::fprintf(stderr, "fuzz: expected inputs to start from, found none\n");
    return 2;
  }
  mutator.rng = hone::Rng(seed);
  std::uint64_t runs = 0;
  const std::size_t given = corpus.size();
  const auto until = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  for (; Clock::now() < until; ++runs) {
    const std::string input = mutator.mutated(corpus);
    run_one(input, "a mutation");
    if (!learn_hits()) continue;
    corpus.push_back(input);
    if (!grow.empty()) std::ofstream(fs::path(grow) / ("found-" + std::to_string(seed) + "-" + std::to_string(runs)), std::ios::binary) << input;
  }
  std::size_t places = 0;
  for (const std::uint8_t r : reached) places += r != 0;
  std::printf("%zu inputs, %llu mutations, %zu kept, %zu places reached\n", given, static_cast<unsigned long long>(runs), corpus.size() - given, places);
  return 0;
}
