// Runs the reader core: the lock around it, the streams, the frames that wait to be taken. It adds no rule of its own.
// next() is for one thread at a time; the driver's thread brings frames; cancel() may come from anywhere.
#pragma once
#include <ion/client/reader.h>

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>

#include "core/reader_core.h"
#include "driver.h"
#include "stream_call.h"

namespace ion::client {

class Runtime;

class ReaderSession final : public Ticker, public std::enable_shared_from_this<ReaderSession> {
 public:
  ReaderSession(std::shared_ptr<Runtime> runtime, const ReaderOptions& options);

  void start();
  Result<std::optional<RecordSet>> next(Nanos timeout);
  bool finished() const;
  std::vector<LostPartition> lost() const;
  uint64_t missed() const;
  void cancel();
  void close();

  Instant wake_at() override;
  void tick(Instant now) override;

 private:
  class Subscription;
  struct Waiting {  // bounded by the credit
    uint64_t stream = 0;
    RecordSet records;
  };

  bool ended_locked() const { return telling_ == 0 && (core_.finished() || !core_.failed().ok()); }
  read::Actions step_locked(const read::Event& event);
  void step(const read::Event& event);
  void obey(read::Actions actions);
  void received(uint64_t stream, const grpc::ByteBuffer& message);
  void subscribe(const read::Subscribe& wanted);
  void fetch_metadata();
  void list_offsets(std::vector<int32_t> partitions);
  void give_credit(const read::Credit& credit);
  void reset(uint64_t stream);

  const std::shared_ptr<Runtime> runtime_;  // shared: a reader may outlive the client handle
  const ReaderOptions options_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  ReaderCore core_;
  std::deque<Waiting> ready_;
  std::map<uint64_t, std::shared_ptr<StreamCall>> streams_;
  bool cancelled_ = false, closed_ = false;
  int telling_ = 0;  // threads that tell what happened: until they have, nobody learns that reading has ended
};

}  // namespace ion::client
