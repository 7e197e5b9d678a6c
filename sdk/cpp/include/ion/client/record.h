// What a producer takes and gives back: a record of borrowed bytes, and the receipt of a delivered one.
#pragma once
#include <ion/ids.h>
#include <ion/message_id.h>
#include <ion/result.h>
#include <ion/time.h>

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ion::client {

struct Header {
  std::string_view key = {};                   // UTF-8
  std::optional<std::string_view> value = {};  // missing: null, which is not empty
};

// Borrowed for the call of send(), which copies the bytes straight into the batch. A missing value is a tombstone.
struct Record {
  std::optional<std::string_view> key = {};
  std::optional<std::string_view> value = {};
  std::span<const Header> headers = {};
  std::optional<PartitionId> partition = {};  // missing: by key, keyless ones to the partition of the moment
  std::optional<WallMs> timestamp = {};       // missing: now
};

struct Receipt {
  PartitionId partition;
  Offset offset;     // -1 with Acks::kNone (nobody said), and of a dropped record
  WallMs timestamp;  // as stored
  LogId log;
  bool dropped = false;           // an interceptor of the broker took the record out: it is not stored, and that is no error
  std::string routed_topic = {};  // an interceptor stored it in this topic (and `partition` of it); empty: where it was sent

  Uuid id() const { return message_id::make(timestamp, offset, log); }  // only with an offset of 0 or more
};

// Called once per record, on the client's thread: do little there and never wait there for this client.
using OnDelivered = std::function<void(const Result<Receipt>&)>;

}  // namespace ion::client
