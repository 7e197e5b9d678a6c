// The small language of the tests of base: events with a deadline that only a broken build reaches, and a folder that vanishes.
#pragma once
#include <ion/abi/host/files.h>
#include <ion/result.h>

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace ion::base::test {

constexpr std::chrono::seconds kDeadline{60};

// Something that happens a number of times, on any thread.
class Event {
 public:
  void happen() {
    const std::lock_guard lock(mutex_);
    ++times_;
    came_.notify_all();
  }
  bool wait(uint64_t times = 1) {
    std::unique_lock lock(mutex_);
    return came_.wait_for(lock, kDeadline, [&] { return times_ >= times; });
  }
  uint64_t times() {
    const std::lock_guard lock(mutex_);
    return times_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  uint64_t times_ = 0;
};

// A task that a test writes as a lambda. It must outlive its run.
struct Job {
  std::function<void()> body;
  static void call(void* ctx) noexcept { static_cast<Job*>(ctx)->body(); }
};

// Gives way to other threads until `true_at_last`; false after very many looks.
template <class Condition>
bool eventually(Condition true_at_last) {
  for (int i = 0; i < 20'000'000; ++i) {
    if (true_at_last()) return true;
    std::this_thread::yield();
  }
  return false;
}

class TempDir {
 public:
  TempDir() {
    std::string name = ::testing::TempDir() + "ion-base-XXXXXX";
    path_ = ::mkdtemp(name.data()) == nullptr ? std::string() : name;
    EXPECT_FALSE(path_.empty());
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// The value, or a failure of the test that shows the status.
template <class T>
T must(Result<T>&& result) {
  if (!result) {
    ADD_FAILURE() << result.error().text();
    std::abort();
  }
  return *std::move(result);
}
inline Status error_of(const Status& status) { return status; }
template <class T>
Status error_of(const Result<T>& result) {
  return result ? Status() : result.error();
}
template <class T>
::testing::AssertionResult has_code(ion_code wanted, const T& answer) {
  const Status status = error_of(answer);
  if (status.code() == wanted) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "wanted " << code_name(wanted) << ", found " << status.text();
}

}  // namespace ion::base::test

// For a Status or a Result.
#define EXPECT_OK(...) EXPECT_TRUE(::ion::base::test::has_code(ION_OK, __VA_ARGS__))
#define EXPECT_CODE(code, ...) EXPECT_TRUE(::ion::base::test::has_code(code, __VA_ARGS__))
