// A Python process that steps Gymnasium worlds (worker.py): started, asked and ended here. What is stepped lies in shared memory; the
// socket carries one JSON line each way, then numbers of slots.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include "wire/json.h"

namespace hone::bridge {

class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  ~Fd() { reset(); }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return fd_; }
  void reset(int fd = -1);

 private:
  int fd_;
};

// Anonymous memory that a child may map too; gone with the last process that has it.
class SharedMemory {
 public:
  explicit SharedMemory(std::size_t bytes);
  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  std::byte* data() const { return data_; }
  int fd() const { return fd_.get(); }

 private:
  Fd fd_;
  std::size_t bytes_;
  std::byte* data_ = nullptr;
};

class Worker {
 public:
  Worker() = default;
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Throws Error{not_found} when there is no such program. `memory` < 0: none.
  void start(const std::vector<std::string>& python, int memory);
  // Sends `ask` and waits for the answer. False when the process ended or said nothing in time: why() tells.
  bool hello(const wire::Json& ask, double seconds, wire::Json& facts);
  bool send(std::span<const std::int32_t> numbers);           // false: it is gone
  int receive(std::span<std::int32_t> numbers);               // how many; 0 = none yet, -1 = it is gone
  void listen();                                              // to what it says on standard error
  void hang_up();                                             // closes the socket: it ends by itself
  void end(bool at_once, const std::string& instead = {});    // `instead` says why when the way it ended does not

  bool running() const { return pid_ > 0; }
  int socket() const { return socket_.get(); }
  int errors() const { return errors_.get(); }
  std::string why() const;  // how it ended and its last words
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  Fd socket_, errors_;
  std::string words_, ended_;
};

}  // namespace hone::bridge
