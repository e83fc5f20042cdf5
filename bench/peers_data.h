// What the programs of bench/peers share: the file of texts and vectors that all sides read, and replies in JSON.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

namespace peers {

using Clock = std::chrono::steady_clock;

inline double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

// "HONEPEER", dimensions, rows, queries (three uint64), float32 vectors row by row, then each text: uint32 length, bytes.
// The last `queries` rows are questions, never lessons.
struct Data {
  std::size_t dimensions = 0, rows = 0, queries = 0;
  std::vector<float> vectors;
  std::vector<std::string> texts;

  const float* vector(std::size_t row) const { return vectors.data() + row * dimensions; }
  std::size_t question(std::size_t q) const { return rows - queries + q % queries; }
};

inline Data read_data(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const auto take = [&](void* to, std::size_t bytes) {
    if (!in.read(static_cast<char*>(to), static_cast<std::streamsize>(bytes)))
      throw std::runtime_error("peers: " + path + ": expected " + std::to_string(bytes) + " bytes more");
  };
  char magic[8];
  std::uint64_t head[3];
  take(magic, sizeof magic);
  if (std::memcmp(magic, "HONEPEER", sizeof magic) != 0) throw std::runtime_error("peers: " + path + " is not a file of bench/peers");
  take(head, sizeof head);
  Data data{.dimensions = head[0], .rows = head[1], .queries = head[2], .vectors = {}, .texts = {}};
  data.vectors.resize(data.rows * data.dimensions);
  take(data.vectors.data(), data.vectors.size() * sizeof(float));
  for (std::size_t i = 0; i < data.rows; ++i) {
    std::uint32_t length = 0;
    take(&length, sizeof length);
    data.texts.emplace_back(length, '\0');
    take(data.texts.back().data(), length);
  }
  return data;
}

inline void reply_list(std::string_view name, const std::vector<double>& values) {
  std::cout << '"' << name << "\":[";
  for (std::size_t i = 0; i < values.size(); ++i) std::cout << (i == 0 ? "" : ",") << values[i];
  std::cout << ']';
}

inline void reply_lists(std::string_view name, const std::vector<std::vector<std::size_t>>& lists) {
  std::cout << '"' << name << "\":[";
  for (std::size_t i = 0; i < lists.size(); ++i) {
    std::cout << (i == 0 ? "[" : ",[");
    for (std::size_t j = 0; j < lists[i].size(); ++j) std::cout << (j == 0 ? "" : ",") << lists[i][j];
    std::cout << ']';
  }
  std::cout << ']';
}

}  // namespace peers
