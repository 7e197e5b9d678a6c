// The small language of these tests: an asker that remembers how an op ended, an implementation that answers as it is told, and
// bytes whose references can be counted.
#pragma once
#include <ion/op.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace ion::test {

// Asks once and keeps the end. Copies look at the same op.
class Asked {
 public:
  template <class Start>
  explicit Asked(Start&& start, CallOptions options = {}) {
    call(options, std::forward<Start>(start), [end = end_](const ion_result& r) {
      ++end->answers;
      end->outcome = Outcome::from(r);
    });
  }
  int answers() const { return end_->answers; }
  const Outcome& outcome() const { return end_->outcome; }
  Code code() const { return end_->answers == 1 ? end_->outcome.status.code() : ION_PENDING; }
  const std::string& message() const { return end_->outcome.status.message(); }
  void forget() { end_->outcome.bufs.clear(); }

 private:
  struct End {
    int answers = 0;
    Outcome outcome;
  };
  std::shared_ptr<End> end_ = std::make_shared<End>();
};

// Bytes whose owner counts: zero when every reference was given back.
class CountedBytes {
 public:
  explicit CountedBytes(std::string text) : text_(std::move(text)) {}
  Buf lend() {
    ++references_;
    return Buf::adopt({reinterpret_cast<const uint8_t*>(text_.data()), text_.size(), &kOps, this});
  }
  int references() const { return references_; }

 private:
  static void retain(void* owner) noexcept { ++static_cast<CountedBytes*>(owner)->references_; }
  static void release(void* owner) noexcept { --static_cast<CountedBytes*>(owner)->references_; }
  static constexpr ion_buf_ops kOps{sizeof(ion_buf_ops), 0, &CountedBytes::retain, &CountedBytes::release};
  std::string text_;
  int references_ = 0;
};

enum class How { kInline, kLate, kBeforeReturn, kRefuse, kFailLate, kDrop, kThrow, kThrowAfterLater, kThrowAfterParking };

// How an implementation answers. `parked` are the completions that the test runs from another point.
struct Script {
  How how = How::kInline;
  std::vector<std::function<void()>> parked;

  // `first` runs right before an OK is given: what the op does.
  Answer answer(Op& op, uint64_t u0 = 0, uint64_t u1 = 0, std::function<Bufs()> first = [] { return Bufs(); }) {
    if (how == How::kThrow) throw std::runtime_error("thrown before later");
    if (how == How::kRefuse) return op.refuse(Status(ION_E_OVERLOADED, "the queue holds 4 of 4"));
    if (how == How::kInline) {
      Bufs bufs = first();
      return op.ok(u0, u1, bufs);
    }
    auto later = std::make_shared<Later>(op.later());  // std::function wants copies
    const auto finish = [later, u0, u1, first, failing = how == How::kFailLate] {
      if (failing) return later->fail(Status(ION_E_IO, "the disk said no"), 7, 8);
      Bufs bufs = first();
      later->ok(u0, u1, bufs);
    };
    if (how == How::kBeforeReturn) finish();
    if (how == How::kThrowAfterLater) throw std::runtime_error("thrown after later");
    if (how == How::kLate || how == How::kFailLate || how == How::kThrowAfterParking) parked.push_back(finish);
    if (how == How::kThrowAfterParking) throw std::runtime_error("thrown after parking");
    return op.pending();
  }
  void finish() {
    for (auto& each : std::exchange(parked, {})) each();
  }
};

struct Expected {
  How how;
  Code code;
  const char* words;  // part of them
  bool late;          // answered only when the parked completions run
};
// One row per way to answer; every op of every bridge must end like this, exactly once.
inline constexpr Expected kWays[] = {
    {How::kInline, ION_OK, "", false},
    {How::kLate, ION_OK, "", true},
    {How::kBeforeReturn, ION_OK, "", false},
    {How::kRefuse, ION_E_OVERLOADED, "4 of 4", false},
    {How::kFailLate, ION_E_IO, "the disk said no", true},
    {How::kDrop, ION_E_INTERNAL, "dropped without an answer", false},
    {How::kThrow, ION_E_EXCEPTION, "thrown before later", false},
    {How::kThrowAfterLater, ION_E_INTERNAL, "dropped without an answer", false},
    {How::kThrowAfterParking, ION_OK, "", true},
};

}  // namespace ion::test
