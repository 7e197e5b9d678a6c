// Messages on their way in and out, without a type of gRPC.
// In: one counted holder keeps the network's slices alive; `parts` point into them, and whoever retains a part keeps the whole.
// Out: a head that we wrote and a payload that we were lent.
#pragma once
#include <ion/assert.h>
#include <ion/bytes.h>

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace ion::transport_grpc {

// Keeps the bytes of one message. Counted: the kernel may retain parts of it on any thread and for long.
class MessageHolder {
 public:
  MessageHolder() = default;
  MessageHolder(const MessageHolder&) = delete;
  MessageHolder& operator=(const MessageHolder&) = delete;

  std::vector<ion_buf> parts;  // ops and owner lead back here
  uint64_t bytes = 0;
  uint64_t held_bytes = 0;  // memory that stays alive with it, as far as we know

  static void retain(void* owner) noexcept { static_cast<MessageHolder*>(owner)->references_.fetch_add(1, std::memory_order_relaxed); }
  static void release(void* owner) noexcept {
    auto* holder = static_cast<MessageHolder*>(owner);
    if (holder->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete holder;
  }
  static constexpr ion_buf_ops kOps{sizeof(ion_buf_ops), 0, &MessageHolder::retain, &MessageHolder::release};

 protected:
  virtual ~MessageHolder() = default;
  void add_part(const uint8_t* p, uint64_t n) {
    parts.push_back({p, n, &kOps, this});
    bytes += n;
  }

 private:
  std::atomic<uint32_t> references_{1};
};

// One reference to a holder.
class Message {
 public:
  Message() noexcept = default;
  explicit Message(MessageHolder* made) noexcept : holder_(made) {}
  Message(Message&& other) noexcept : holder_(std::exchange(other.holder_, nullptr)) {}
  Message& operator=(Message&& other) noexcept {
    if (this != &other) reset(), holder_ = std::exchange(other.holder_, nullptr);
    return *this;
  }
  ~Message() { reset(); }

  // Its only owner may narrow the parts in place.
  std::span<ion_buf> parts() noexcept { return holder_ == nullptr ? std::span<ion_buf>() : std::span<ion_buf>(holder_->parts); }
  uint64_t bytes() const noexcept { return holder_ == nullptr ? 0 : holder_->bytes; }
  uint64_t held_bytes() const noexcept { return holder_ == nullptr ? 0 : holder_->held_bytes; }
  explicit operator bool() const noexcept { return holder_ != nullptr; }
  void reset() noexcept {
    if (holder_ != nullptr) MessageHolder::release(std::exchange(holder_, nullptr));
  }
  // All of it in one piece; for requests that are parsed whole.
  std::string joined() const {
    std::string to(bytes(), '\0');
    if (holder_ != nullptr) copy_out(holder_->parts, 0, to.size(), reinterpret_cast<uint8_t*>(to.data()));
    return to;
  }

 private:
  MessageHolder* holder_ = nullptr;
};

// Bytes that we made ourselves, as a message: a copy of a small one, a batch that was encoded here.
class OwnedBytes final : public MessageHolder {
 public:
  explicit OwnedBytes(std::vector<uint8_t> own) : own_(std::move(own)) {
    add_part(own_.data(), own_.size());
    held_bytes = bytes;
  }

 private:
  const std::vector<uint8_t> own_;
};

struct OutMessage {
  std::string head;
  Bufs payload;

  uint64_t bytes() const noexcept {
    uint64_t n = head.size();
    for (const Buf& part : payload) n += part.size();
    return n;
  }
};

}  // namespace ion::transport_grpc
