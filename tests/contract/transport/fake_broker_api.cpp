#include "fake_broker_api.h"

#include <ion/abi/contract/interceptor.h>
#include <ion/message_id.h>

#include <ion/record_batch.h>

#include <algorithm>
#include <chrono>

namespace ion::test {
namespace {

constexpr auto kPatience = std::chrono::seconds(10);
constexpr uint64_t kLogId = 42;

std::string joined(const ion_buf* parts, uint32_t n) {
  std::string bytes;
  for (uint32_t i = 0; i < n; ++i) bytes += text_of(span_of(parts[i]));
  return bytes;
}

}  // namespace

// A reference to a stored batch that is counted in the open.
struct FakeBrokerApi::Lease {
  FakeBrokerApi* api;
  std::atomic<int> references{1};
  static void retain(void* owner) noexcept { static_cast<Lease*>(owner)->references.fetch_add(1); }
  static void release(void* owner) noexcept {
    auto* lease = static_cast<Lease*>(owner);
    if (lease->references.fetch_sub(1) != 1) return;
    FakeBrokerApi* api = lease->api;
    delete lease;
    {
      const std::lock_guard lock(api->mutex_);
      api->leases_.fetch_sub(1);
    }
    api->changed_.notify_all();
  }
  static constexpr ion_buf_ops kOps{sizeof(ion_buf_ops), ION_BUF_MAPPED, &Lease::retain, &Lease::release};
};

bool FakeBrokerApi::wait(const std::function<bool()>& until) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, until);
}

void FakeBrokerApi::add_topic(const std::string& name, int32_t partitions) {
  const std::lock_guard lock(mutex_);
  topics_[name].resize(static_cast<size_t>(partitions));
}

FakeBrokerApi::Log* FakeBrokerApi::log_of(std::string_view topic, int32_t partition) {
  const auto it = topics_.find(std::string(topic));
  if (it == topics_.end() || partition < 0 || static_cast<size_t>(partition) >= it->second.size()) return nullptr;
  return &it->second[static_cast<size_t>(partition)];
}

int64_t FakeBrokerApi::append_locked(Log& log, std::string bytes) {
  const int64_t base = log.empty() ? 0 : log.back().next;
  batch::store_big<int64_t>(reinterpret_cast<uint8_t*>(bytes.data()), base);
  const batch::Header h = batch::read_header(reinterpret_cast<const uint8_t*>(bytes.data()));
  log.push_back({base, h.next_offset().v, std::move(bytes)});
  return base;
}

void FakeBrokerApi::append(const std::string& topic, int32_t partition, std::vector<uint8_t> batch) {
  std::unique_lock lock(mutex_);
  (void)append_locked(*log_of(topic, partition), std::string(batch.begin(), batch.end()));
  wake(lock);
}

Answer FakeBrokerApi::unknown(Op& op, ion_error_info* error, std::string_view topic) {
  const Status why(ION_E_NOT_FOUND, "topic '" + std::string(topic) + "' is not there", "TOPIC_NOT_FOUND");
  explain(error, why);
  return op.refuse(why);
}

Answer FakeBrokerApi::produce(Op& op, const ion_produce_req& r, ion_produce_answer& a) {
  std::unique_lock lock(mutex_);
  SeenProduce seen{std::string(text_of(r.topic)), joined(r.parts, r.nparts), std::string(text_of(r.who->address)), r.partition, r.acks,
                   r.nparts, r.nparts > 0 && r.parts[0].ops != nullptr, op.raw().deadline_ns};
  produced_.push_back(seen);
  changed_.notify_all();
  Log* log = log_of(text_of(r.topic), r.partition);
  if (log == nullptr) return unknown(op, a.error, text_of(r.topic));
  if (failing_ > 0) {
    --failing_;
    explain(a.error, failure_, retry_after_);
    if (a.error != nullptr) std::snprintf(a.error->leader_hint, sizeof a.error->leader_hint, "%s", hint_.c_str());
    return op.refuse(failure_);
  }
  if (const auto good = batch::check({r.parts, r.nparts}, 64 << 20, batch::From::kClient); !good) {
    explain(a.error, good.error());
    return op.refuse(good.error());
  }
  const int64_t base = append_locked(*log, std::move(seen.bytes)), next = log->back().next;
  if (holding_) {
    held_.push_back({op.later(), &a, base, next});
    changed_.notify_all();
    return op.pending();
  }
  a.base = base, a.next = next, a.log_id = kLogId, a.high_watermark = next;
  wake(lock);
  return op.ok(static_cast<uint64_t>(base));
}

void FakeBrokerApi::hold_produces(bool hold) {
  const std::lock_guard lock(mutex_);
  holding_ = hold;
}
size_t FakeBrokerApi::held() const {
  const std::lock_guard lock(mutex_);
  return held_.size();
}
void FakeBrokerApi::answer(HeldProduce one) {
  one.answer->base = one.base, one.answer->next = one.next, one.answer->log_id = kLogId, one.answer->high_watermark = one.next;
  one.later.ok();
}
void FakeBrokerApi::release(size_t which) {
  HeldProduce one;
  {
    const std::lock_guard lock(mutex_);
    one = std::move(held_.at(which));
    held_.erase(held_.begin() + static_cast<long>(which));
  }
  answer(std::move(one));
}
void FakeBrokerApi::release_one(size_t hint) {
  HeldProduce one;
  {
    const std::lock_guard lock(mutex_);
    if (held_.empty()) return;
    const auto it = held_.begin() + static_cast<long>(hint % held_.size());
    one = std::move(*it);
    held_.erase(it);
  }
  answer(std::move(one));
}
void FakeBrokerApi::release_all() {
  while (held() > 0) release_one(0);
}
void FakeBrokerApi::fail_produces(size_t count, Status why, Nanos retry_after, std::string hint) {
  const std::lock_guard lock(mutex_);
  failing_ = count, failure_ = std::move(why), retry_after_ = retry_after, hint_ = std::move(hint);
}
std::vector<FakeBrokerApi::SeenProduce> FakeBrokerApi::produced() const {
  const std::lock_guard lock(mutex_);
  return produced_;
}
bool FakeBrokerApi::wait_produced(size_t count) const {
  return wait([&] { return produced_.size() >= count; });
}

bool FakeBrokerApi::read_locked(const Place& place, int64_t offset, uint64_t bytes_max, ion_fetch_answer& a, std::vector<Buf>& out) {
  const Log& log = *log_of(place.first, place.second);
  a.log_id = kLogId, a.high_watermark = log.empty() ? 0 : log.back().next;
  a.base = a.next = offset;
  uint64_t bytes = 0;
  for (const Batch& batch : log) {
    if (batch.next <= offset) continue;
    if (!out.empty() && bytes + batch.bytes.size() > bytes_max) break;
    if (out.empty()) a.base = batch.base;
    a.next = batch.next, bytes += batch.bytes.size();
    leases_.fetch_add(1);
    out.push_back(Buf::adopt({reinterpret_cast<const uint8_t*>(batch.bytes.data()), batch.bytes.size(), &Lease::kOps, new Lease{this}}));
    if (bytes >= bytes_max) break;
  }
  if (out.empty()) return false;
  fetch_order_.push_back(place.first + "/" + std::to_string(place.second));
  changed_.notify_all();
  return true;
}

Answer FakeBrokerApi::fetch(Op& op, const ion_fetch_req& r, ion_fetch_answer& a) {
  std::unique_lock lock(mutex_);
  fetches_.fetch_add(1);
  changed_.notify_all();
  if (fetch_failure_) {
    explain(a.error, *fetch_failure_);
    return op.refuse(*fetch_failure_);
  }
  Log* log = log_of(text_of(r.topic), r.partition);
  if (log == nullptr) return unknown(op, a.error, text_of(r.topic));
  const int64_t end = log->empty() ? 0 : log->back().next;
  if (r.offset < 0 || r.offset > end) {
    const Status why(ION_E_OUT_OF_RANGE, "offset " + std::to_string(r.offset) + " is not in [0, " + std::to_string(end) + ")", "OFFSET_OUT_OF_RANGE");
    explain(a.error, why);
    a.log_start = 0, a.high_watermark = end;
    return op.refuse(why);
  }
  std::vector<Buf> out;
  const Place place{std::string(text_of(r.topic)), r.partition};
  if (read_locked(place, r.offset, r.bytes_max, a, out) || r.wait_ns == 0) {
    lock.unlock();
    return op.ok(0, 0, out);
  }
  parked_.push_back({op.raw().id, place, r.offset, r.bytes_max, op.later(), &a});
  changed_.notify_all();
  return op.pending();
}

Answer FakeBrokerApi::get_record(Op& op, const ion_record_req& r, ion_record_answer& a) {
  std::unique_lock lock(mutex_);
  Uuid id;
  std::copy_n(r.id, id.bytes.size(), id.bytes.begin());
  const auto parts = message_id::parse(id);
  const auto refused = [&](const Status& why) { return explain(a.error, why), op.refuse(why); };
  if (!parts) return refused(parts.error());
  if (parts->log.v != kLogId || topics_.empty()) return refused({ION_E_NOT_FOUND, "no partition has log " + std::to_string(parts->log.v), "LOG_NOT_FOUND"});
  for (const Batch& batch : topics_.begin()->second[0]) {
    if (batch.base != parts->offset_low.v) continue;
    leases_.fetch_add(1);
    Buf buf = Buf::adopt({reinterpret_cast<const uint8_t*>(batch.bytes.data()), batch.bytes.size(), &Lease::kOps, new Lease{this}});
    a.partition = 0, a.offset = batch.base, a.log_id = kLogId;
    std::snprintf(a.topic, sizeof a.topic, "%s", topics_.begin()->first.c_str());
    lock.unlock();
    return op.ok(0, 0, {&buf, 1});
  }
  return refused({ION_E_OUT_OF_RANGE, "offset " + std::to_string(parts->offset_low.v) + " was deleted", "OFFSET_OUT_OF_RANGE"});
}

// Answers those parked fetches that have something to read by now.
void FakeBrokerApi::wake(std::unique_lock<std::mutex>& lock) {
  std::vector<std::pair<Later, std::vector<Buf>>> done;
  for (auto it = parked_.begin(); it != parked_.end();) {
    std::vector<Buf> out;
    if (!read_locked(it->place, it->offset, it->bytes_max, *it->answer, out)) {
      ++it;
      continue;
    }
    done.emplace_back(std::move(it->later), std::move(out));
    it = parked_.erase(it);
  }
  lock.unlock();
  for (auto& [later, bufs] : done) later.ok(0, 0, bufs);
}

Status FakeBrokerApi::cancel(uint64_t op_id) {
  Later later;
  {
    const std::lock_guard lock(mutex_);
    const auto it = std::find_if(parked_.begin(), parked_.end(), [&](const ParkedFetch& p) { return p.id == op_id; });
    if (it == parked_.end()) return {ION_E_NOT_FOUND, "it is over"};
    later = std::move(it->later);
    parked_.erase(it);
  }
  changed_.notify_all();
  later.fail(Status(ION_E_CANCELLED, "cancelled"));
  return {};
}

size_t FakeBrokerApi::parked() const {
  const std::lock_guard lock(mutex_);
  return parked_.size();
}
bool FakeBrokerApi::wait_parked(size_t count) const {
  return wait([&] { return parked_.size() == count; });
}
void FakeBrokerApi::end_waits() {
  std::deque<ParkedFetch> all;
  {
    const std::lock_guard lock(mutex_);
    all.swap(parked_);
  }
  for (ParkedFetch& one : all) {
    one.answer->base = one.answer->next = one.offset;
    one.later.ok();
  }
}
void FakeBrokerApi::fail_fetches(std::optional<Status> why) {
  const std::lock_guard lock(mutex_);
  fetch_failure_ = std::move(why);
}
bool FakeBrokerApi::wait_leases(int64_t count) const {
  return wait([&] { return leases_.load() == count; });
}
std::vector<std::string> FakeBrokerApi::fetch_order() const {
  const std::lock_guard lock(mutex_);
  return fetch_order_;
}

Answer FakeBrokerApi::offset_for(Op& op, const ion_offset_req& r, ion_offset_answer& a) {
  const std::lock_guard lock(mutex_);
  const Log* log = log_of(text_of(r.topic), r.partition);
  if (log == nullptr) return unknown(op, a.error, text_of(r.topic));
  if (r.what == ION_OFFSET_TIME) {
    const Status why(ION_E_UNSUPPORTED, "this storage has no index of times", "OFFSET_FOR_TIME");
    explain(a.error, why);
    return op.refuse(why);
  }
  a.offset = r.what == ION_OFFSET_START || log->empty() ? 0 : log->back().next;
  return op.ok();
}

Status FakeBrokerApi::partition_of(const ion_partition_req& r, ion_partition_answer& a) {
  const std::lock_guard lock(mutex_);
  const auto it = topics_.find(std::string(text_of(r.topic)));
  if (it == topics_.end()) {
    const Status why(ION_E_NOT_FOUND, "topic '" + std::string(text_of(r.topic)) + "' is not there", "TOPIC_NOT_FOUND");
    explain(a.error, why);
    return why;
  }
  a.partitions = static_cast<uint32_t>(it->second.size());
  a.partition = r.key.n == 0 ? 0 : static_cast<int32_t>(r.key.p[0] % a.partitions);  // the test chooses first bytes
  return {};
}

Answer FakeBrokerApi::init_producer(Op& op, const ion_producer_req&, ion_producer_answer& a) {
  a.producer_id = next_producer_.fetch_add(1), a.epoch = 3;
  return op.ok();
}

void FakeBrokerApi::tell(const std::string& name, ion_topic_fn each, void* ctx) {
  const size_t n = topics_.at(name).size();
  const uint64_t replicas[] = {1};
  std::vector<ion_partition_info> partitions(n);
  std::vector<const ion_partition_info*> pointers;
  for (size_t i = 0; i < n; ++i) {
    partitions[i] = {sizeof(ion_partition_info), static_cast<int32_t>(i), 1, kLogId + i, 9, 1, replicas, 0, -1, 123, i == 1 ? ION_E_CORRUPT : ION_OK,
                     i == 1 ? 4 : -1, i == 1 ? 7 : -1};
    pointers.push_back(&partitions[i]);
  }
  std::vector<ion_field> config;
  for (const auto& [key, value] : configs_[name]) config.push_back({bytes_of(key), bytes_of(value)});
  const auto set = static_cast<uint32_t>(config.size());
  config.push_back({bytes_of("segment.bytes"), bytes_of("64MiB")});
  const ion_topic_info info{sizeof(ion_topic_info), 0, bytes_of(name), {1, 2, 3, 4}, 1, static_cast<uint32_t>(n), pointers.data(), config.data(),
                            static_cast<uint32_t>(config.size()), set};
  each(ctx, &info);
}

Answer FakeBrokerApi::metadata(Op& op, const ion_topic_req& r, ion_admin_answer& a) {
  const std::lock_guard lock(mutex_);
  if (r.name.n == 0) {
    for (const auto& [name, logs] : topics_) tell(name, r.each, r.ctx);
    return op.ok();
  }
  if (!topics_.contains(std::string(text_of(r.name)))) return unknown(op, a.error, text_of(r.name));
  tell(std::string(text_of(r.name)), r.each, r.ctx);
  return op.ok();
}

Answer FakeBrokerApi::topic_create(Op& op, const ion_topic_req& r, ion_admin_answer& a) {
  const std::string name(text_of(r.name));
  const std::lock_guard lock(mutex_);
  if (topics_.contains(name)) {
    const Status why(ION_E_EXISTS, "topic '" + name + "' is there already", "TOPIC_EXISTS");
    explain(a.error, why);
    return op.refuse(why);
  }
  topics_[name].resize(r.partitions == 0 ? 1 : r.partitions);
  for (uint32_t i = 0; i < r.nconfig; ++i) configs_[name][std::string(text_of(r.config[i].key))] = text_of(r.config[i].value);
  tell(name, r.each, r.ctx);
  if ((r.flags & ION_TOPIC_DRY_RUN) != 0) topics_.erase(name), configs_.erase(name);
  return op.ok();
}

Answer FakeBrokerApi::topic_list(Op& op, const ion_topic_req& r, ion_admin_answer&) {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, logs] : topics_)
    if (name.starts_with(text_of(r.name)) && ((r.flags & ION_TOPIC_INTERNAL_TOO) != 0 || !name.starts_with("__ion_"))) tell(name, r.each, r.ctx);
  return op.ok();
}

Answer FakeBrokerApi::topic_describe(Op& op, const ion_topic_req& r, ion_admin_answer& a) { return metadata(op, r, a); }

Answer FakeBrokerApi::topic_alter(Op& op, const ion_topic_req& r, ion_admin_answer& a) {
  const std::string name(text_of(r.name));
  const std::lock_guard lock(mutex_);
  if (!topics_.contains(name)) return unknown(op, a.error, name);
  const auto logs = topics_[name];
  const auto config = configs_[name];
  if (r.partitions != 0) topics_[name].resize(r.partitions);
  for (uint32_t i = 0; i < r.nconfig; ++i) {
    const std::string key(text_of(r.config[i].key));
    if (r.config[i].value.p == nullptr) configs_[name].erase(key);
    else configs_[name][key] = text_of(r.config[i].value);
  }
  tell(name, r.each, r.ctx);
  if ((r.flags & ION_TOPIC_DRY_RUN) != 0) topics_[name] = logs, configs_[name] = config;
  return op.ok();
}

// Keeps nothing: says back what it was asked for, and that -1 is all.
Answer FakeBrokerApi::topic_trim(Op& op, const ion_trim_req& r, ion_trim_answer& a) {
  const std::lock_guard lock(mutex_);
  const auto topic = topics_.find(std::string(text_of(r.topic)));
  if (topic == topics_.end()) return unknown(op, a.error, text_of(r.topic));
  a.log_start = r.before == -1 ? 1'000 + r.partition : r.before;
  return op.ok();
}

// Two parts are lost; who accepts that has none of them afterwards.
Answer FakeBrokerApi::topic_repair(Op& op, const ion_repair_req& r, ion_repair_answer& a) {
  const std::lock_guard lock(mutex_);
  const auto topic = topics_.find(std::string(text_of(r.topic)));
  if (topic == topics_.end()) return unknown(op, a.error, text_of(r.topic));
  for (const int64_t from : {10, 20}) {
    const ion_lost_part part{sizeof(ion_lost_part), 0, from, from + 1 + r.partition};
    r.each(r.ctx, &part);
  }
  a.flags = (r.flags & ION_REPAIR_ACCEPT_LOSS) != 0 ? ION_REPAIR_DONE : ION_REPAIR_DENSE;
  a.log_start = 5, a.next = 30, a.parts = 2, a.bytes_lost = 1'234, a.records_left = 17, a.bytes_left = 5'678;
  return op.ok();
}

Answer FakeBrokerApi::topic_delete(Op& op, const ion_topic_req& r, ion_admin_answer& a) {
  const std::lock_guard lock(mutex_);
  if (topics_.erase(std::string(text_of(r.name))) == 0) return unknown(op, a.error, text_of(r.name));
  return op.ok();
}

Answer FakeBrokerApi::plugin_replace(Op& op, const ion_replace_req& r, ion_replace_answer& a) {
  if (text_of(r.path) == "bad.so") {
    const Status no(ION_E_CONFLICT, "the file is another plugin");
    explain(a.error, no);
    return op.refuse(no);
  }
  a.generation = 2, a.flags = ION_REPLACE_OTHER_AT_RESTART;
  std::snprintf(a.version, sizeof a.version, "1.1.0");
  std::snprintf(a.old_version, sizeof a.old_version, "1.0.0");
  std::snprintf(a.file, sizeof a.file, "/plugins/%.*s", static_cast<int>(r.path.n), reinterpret_cast<const char*>(r.path.p));
  return op.ok();
}

Answer FakeBrokerApi::plugin_list(Op& op, const ion_plugin_req& r, ion_admin_answer& a) {
  if (r.name.n != 0 && text_of(r.name) != "dlq" && text_of(r.name) != "guard") {
    const Status none(ION_E_NOT_FOUND, "no plugin is named " + std::string(text_of(r.name)), "PLUGIN_NOT_FOUND");
    explain(a.error, none);
    return op.refuse(none);
  }
  const ion_field config[] = {{bytes_of("config.bytes_max"), bytes_of("1KiB")}, {bytes_of("budget"), bytes_of("10ms")}};
  const ion_interceptor_info did{sizeof(ion_interceptor_info), ION_HOOK_PRODUCE | ION_HOOK_FETCH, 9, 1, 2, 3, 4, 5, ION_BREAKER_OPEN, 0, 1'700'000'000'000, 1'700'000'030'000};
  const ion_plugin_info guard{sizeof(ion_plugin_info), ION_PLUGIN_STARTED, bytes_of("guard"), bytes_of("demo.guard"), bytes_of("1.0.0"), bytes_of("gcc"),
                              bytes_of("guard.so"), bytes_of("cd"), bytes_of("ion.interceptor/1"), {}, {}, 0, bytes_of("1.0"), config, 2, 1, &did, {}, 0, 0, -1, 1, 0};
  if (text_of(r.name) == "guard") return r.each(r.ctx, &guard), op.ok();
  const ion_plugin_info info{sizeof(ion_plugin_info), ION_PLUGIN_STARTED, bytes_of("dlq"), bytes_of("ion.dlq"), bytes_of("0.1.0"), bytes_of("gcc"),
                             bytes_of("dlq.so"), bytes_of("ab"), bytes_of("ion.redelivery/1"), bytes_of("ion.broker_api/1,ion.rpc/1?"), {}, 2,
                             bytes_of("1.0"), nullptr, 0, 0, nullptr, {}, 0, 0, -1, 1, 0};
  r.each(r.ctx, &info);
  return op.ok();
}

Answer FakeBrokerApi::cluster_info(Op& op, const ion_cluster_req& r, ion_cluster_answer& a) {
  const ion_broker_info broker{sizeof(ion_broker_info), 0, 1, bytes_of("broker-a:9640"), bytes_of("rack-1"), bytes_of("0.1.0")};
  if (r.each_broker != nullptr) r.each_broker(r.ctx, &broker);
  a.state = static_cast<uint32_t>(health_.load());
  if (refuses_writes_) {
    const ion_problem_info problem{sizeof problem, ION_PROBLEM_STOPS_WRITES, bytes_of("storage"), bytes_of("the disk is full")};
    if (r.each_problem != nullptr) r.each_problem(r.ctx, &problem);
    a.flags |= ION_CLUSTER_REFUSES_WRITES;
  }
  a.node = a.controller = 1;
  std::snprintf(a.cluster_id, sizeof a.cluster_id, "the-cluster");
  std::snprintf(a.version, sizeof a.version, "0.1.0");
  const std::lock_guard lock(mutex_);
  a.topics = topics_.size(), a.started_ms = 1'700'000'000'000;
  return op.ok();
}

}  // namespace ion::test
