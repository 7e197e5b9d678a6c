// A broker API in memory, under the test's hand: it can answer at once or hold its answers, and it counts every lease it gives.
// A verb that it does not have is UNSUPPORTED. Thread: any; one lock, never held while an op is completed.
#pragma once
#include <ion/contract/broker_api.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace ion::test {

class FakeBrokerApi final : public PartialBrokerApi {
 public:
  struct SeenProduce {
    std::string topic, bytes, peer;
    int32_t partition = 0;
    uint32_t acks = 0;
    uint32_t parts = 0;
    bool counted = false;  // the parts could be retained
    uint64_t deadline_ns = 0;
  };

  void add_topic(const std::string& name, int32_t partitions);
  // Appends a batch as if another client had produced it; wakes parked fetches.
  void append(const std::string& topic, int32_t partition, std::vector<uint8_t> batch);

  // --- produce ---
  void hold_produces(bool hold);
  size_t held() const;
  void release(size_t which);  // answers a held produce, the first is 0
  void release_one(size_t hint);  // any one, for several threads at once
  void release_all();
  // The next produces end so; `retry_after` and `hint` stand in the error info.
  void fail_produces(size_t count, Status why, Nanos retry_after = {}, std::string hint = {});
  std::vector<SeenProduce> produced() const;
  bool wait_produced(size_t count) const;  // false: not within ten seconds

  // --- fetch ---
  size_t parked() const;
  bool wait_parked(size_t count) const;
  void end_waits();                                      // answers all parked fetches without data
  void fail_fetches(std::optional<Status> why);          // until told otherwise
  int64_t leases() const { return leases_.load(); }      // given and not back
  bool wait_leases(int64_t count) const;
  uint64_t fetches() const { return fetches_.load(); }
  std::vector<std::string> fetch_order() const;          // "topic/partition" of fetches that gave data

  void set_health(ion_health health) { health_ = health; }
  void set_refuses_writes(bool refuses) { refuses_writes_ = refuses; }  // with a problem that says so

  Answer produce(Op& op, const ion_produce_req& r, ion_produce_answer& a) override;
  Answer fetch(Op& op, const ion_fetch_req& r, ion_fetch_answer& a) override;
  Status cancel(uint64_t op_id) override;
  Answer offset_for(Op& op, const ion_offset_req& r, ion_offset_answer& a) override;
  Status partition_of(const ion_partition_req& r, ion_partition_answer& a) override;
  Answer init_producer(Op& op, const ion_producer_req& r, ion_producer_answer& a) override;
  Answer metadata(Op& op, const ion_topic_req& r, ion_admin_answer& a) override;
  Answer topic_create(Op& op, const ion_topic_req& r, ion_admin_answer& a) override;
  Answer topic_list(Op& op, const ion_topic_req& r, ion_admin_answer& a) override;
  Answer topic_describe(Op& op, const ion_topic_req& r, ion_admin_answer& a) override;
  Answer topic_delete(Op& op, const ion_topic_req& r, ion_admin_answer& a) override;
  Answer topic_alter(Op& op, const ion_topic_req& r, ion_admin_answer& a) override;
  Answer topic_trim(Op& op, const ion_trim_req& r, ion_trim_answer& a) override;
  Answer topic_repair(Op& op, const ion_repair_req& r, ion_repair_answer& a) override;
  Answer plugin_list(Op& op, const ion_plugin_req& r, ion_admin_answer& a) override;
  // Takes any file but "bad.so".
  Answer plugin_replace(Op& op, const ion_replace_req& r, ion_replace_answer& a) override;
  Answer cluster_info(Op& op, const ion_cluster_req& r, ion_cluster_answer& a) override;
  // Knows one log, that of the first topic; the record of an id is the whole batch that begins at its offset.
  Answer get_record(Op& op, const ion_record_req& r, ion_record_answer& a) override;
  ion_health health() override { return health_.load(); }

 private:
  struct Batch {
    int64_t base, next;
    std::string bytes;
  };
  using Log = std::deque<Batch>;  // a deque: bytes never move
  using Place = std::pair<std::string, int32_t>;
  struct HeldProduce {
    Later later;
    ion_produce_answer* answer;
    int64_t base, next;
  };
  struct ParkedFetch {
    uint64_t id;
    Place place;
    int64_t offset;
    uint64_t bytes_max;
    Later later;
    ion_fetch_answer* answer;
  };
  struct Lease;

  Log* log_of(std::string_view topic, int32_t partition);
  int64_t append_locked(Log& log, std::string bytes);
  bool read_locked(const Place& place, int64_t offset, uint64_t bytes_max, ion_fetch_answer& a, std::vector<Buf>& out);
  void wake(std::unique_lock<std::mutex>& lock);
  static void answer(HeldProduce one);
  void tell(const std::string& name, ion_topic_fn each, void* ctx);
  bool wait(const std::function<bool()>& until) const;
  Answer unknown(Op& op, ion_error_info* error, std::string_view topic);

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::map<std::string, std::vector<Log>> topics_;
  std::map<std::string, std::map<std::string, std::string>> configs_;
  bool holding_ = false;
  std::deque<HeldProduce> held_;
  size_t failing_ = 0;
  Status failure_;
  Nanos retry_after_{};
  std::string hint_;
  std::vector<SeenProduce> produced_;
  std::deque<ParkedFetch> parked_;
  std::optional<Status> fetch_failure_;
  std::vector<std::string> fetch_order_;
  std::atomic<int64_t> leases_{0};
  std::atomic<uint64_t> fetches_{0};
  std::atomic<int64_t> next_producer_{1000};
  std::atomic<ion_health> health_{ION_HEALTH_SERVING};
  std::atomic<bool> refuses_writes_{false};
};

}  // namespace ion::test
