// A thread that does one thing at a time, in the order asked. What a task throws comes out at the caller.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <thread>

namespace hone::llama {

class Worker {
 public:
  Worker() : thread_([this] { loop(); }) {}
  ~Worker() {
    {
      const std::lock_guard hold(lock_);
      stop_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Blocks until `task` has run on the worker's thread; returns what it returns.
  template <class F>
  auto run(F&& task) {
    // Shared: the caller may go on, and end, while the worker is still on its way out of the task.
    auto packaged = std::make_shared<std::packaged_task<decltype(task())()>>(std::forward<F>(task));
    auto result = packaged->get_future();
    {
      const std::lock_guard hold(lock_);
      queue_.emplace_back([packaged] { (*packaged)(); });
    }
    wake_.notify_one();
    return result.get();
  }

 private:
  void loop() {
    while (true) {
      std::unique_lock hold(lock_);
      wake_.wait(hold, [this] { return stop_ || !queue_.empty(); });
      if (queue_.empty()) return;
      const auto task = std::move(queue_.front());
      queue_.pop_front();
      hold.unlock();
      task();
    }
  }

  std::mutex lock_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace hone::llama
