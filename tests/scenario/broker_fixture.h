// A broker of a test: its own world on shared virtual time, its own machine whose disks outlive it, and verbs that run until they are
// answered.
#pragma once
#include "kernel.h"
#include "support/asked.h"
#include "support/virtual_world.h"

#include <ion/message_id.h>
#include <ion/record_reader.h>
#include <ion/record_writer.h>

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <unistd.h>

namespace ion::test {

constexpr Nanos kAnswerLimit = seconds(60);  // of virtual time

// Copies of plugins lie there: the loader reads real files.
class CopiesDirectory {
 public:
  CopiesDirectory() {
    std::string pattern = (std::filesystem::canonical(std::filesystem::temp_directory_path()) / "ion-scenario-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }
  ~CopiesDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

class TestBroker {
 public:
  TestBroker(VirtualTime& time, std::string data_dir) : time_(time), data_dir_(std::move(data_dir)) {}
  ~TestBroker() { EXPECT_EQ(broker_, nullptr) << "a test stops its brokers"; }

  std::vector<std::string> settings;  // laid over the built-in ones
  std::vector<std::string> without;   // plugins that are not enabled
  uint32_t process = 0;               // as in BrokerOptions

  Status start() {
    const auto loaded = configuration();
    if (!loaded) return loaded.error();
    world_ = std::make_unique<VirtualWorld>(time_, machine_, ++starts_);
    BrokerOptions options;
    options.version = "0.0.0";
    options.process = process;
    options.in_process = true, options.probe = false;
    auto started = Broker::start(*loaded, options, *world_);
    if (!started) return started.error();
    broker_ = *std::move(started);
    return {};
  }
  Status stop() {
    const Status stopped = broker_->stop();
    broker_.reset();
    return stopped;
  }
  Result<config::Loaded> configuration() const {
    config::LoadRequest request;
    request.dev = true;
    request.data_dir = data_dir_;
    request.plugin_directories = {ION_PLUGIN_DIR};
    request.settings = {"plugins.transport-grpc.enabled=false", "topics.segment_bytes=1MiB", "plugins.storage-mmap.config.segment_bytes=64KiB",
                        "plugins.storage-mmap.config.prepare_ahead=0"};
    request.settings.insert(request.settings.end(), settings.begin(), settings.end());
    for (const std::string& plugin : without) request.settings.push_back("plugins." + plugin + ".enabled=false");
    return config::load(request);
  }

  using Config = std::map<std::string, std::string>;
  Status create_topic(std::string_view name, uint32_t partitions = 1, const Config& config = {}) {
    const std::vector<ion_field> fields = fields_of(config);
    ion_topic_req request{};
    request.size = sizeof request, request.name = bytes_of(name), request.partitions = partitions, request.replication = 1;
    request.config = fields.data(), request.nconfig = static_cast<uint32_t>(fields.size());
    request.each = [](void*, const ion_topic_info*) noexcept {};
    request.each_broker = [](void*, const ion_broker_info*) noexcept {};
    ion_admin_answer answer{};
    answer.size = sizeof answer;
    return ask([&](Op& op) { return api().topic_create(op, request, answer); }).status;
  }
  Status alter_topic(std::string_view name, const Config& set, const std::vector<std::string>& unset = {}, uint32_t partitions = 0, uint32_t flags = 0) {
    std::vector<ion_field> fields = fields_of(set);
    for (const std::string& key : unset) fields.push_back({bytes_of(key), {nullptr, 0}});
    ion_topic_req request{};
    request.size = sizeof request, request.name = bytes_of(name), request.flags = flags, request.partitions = partitions;
    request.config = fields.data(), request.nconfig = static_cast<uint32_t>(fields.size());
    ion_admin_answer answer{};
    answer.size = sizeof answer;
    return ask([&](Op& op) { return api().topic_alter(op, request, answer); }).status;
  }
  // The first offset that is left, or what kept the records from going.
  Result<Offset> trim(std::string_view topic, ion_offset before, int32_t partition = 0) {
    ion_trim_req request{};
    request.size = sizeof request, request.topic = bytes_of(topic), request.partition = partition, request.before = before;
    ion_trim_answer answer{};
    answer.size = sizeof answer;
    Status status = ask([&](Op& op) { return api().topic_trim(op, request, answer); }).status;
    return status.ok() ? Result<Offset>(Offset{answer.log_start}) : Result<Offset>(std::move(status));
  }
  // What topic_describe says of a topic.
  struct Described {
    Status status;
    Config config;
    std::vector<Offset> log_starts, ends;
    std::vector<uint64_t> bytes;
  };
  Described describe(std::string_view name) {
    Described told;
    ion_topic_req request{};
    request.size = sizeof request, request.name = bytes_of(name), request.ctx = &told;
    request.each = [](void* ctx, const ion_topic_info* t) noexcept {
      auto& to = *static_cast<Described*>(ctx);
      for (uint32_t i = 0; i < t->nconfig; ++i) to.config[std::string(text_of(t->config[i].key))] = text_of(t->config[i].value);
      for (uint32_t i = 0; i < t->npartitions; ++i) {
        to.log_starts.push_back({t->partitions[i]->log_start});
        to.ends.push_back({t->partitions[i]->high_watermark});
        to.bytes.push_back(t->partitions[i]->bytes);
      }
    };
    ion_admin_answer answer{};
    answer.size = sizeof answer;
    told.status = ask([&](Op& op) { return api().topic_describe(op, request, answer); }).status;
    return told;
  }
  // "offset/time" of the first record at or after a time, or the code.
  std::string offset_at(std::string_view topic, int64_t time_ms) {
    ion_offset_req request{};
    request.size = sizeof request, request.topic = bytes_of(topic), request.what = ION_OFFSET_TIME, request.time_ms = time_ms;
    ion_offset_answer answer{};
    answer.size = sizeof answer;
    const Status status = ask([&](Op& op) { return api().offset_for(op, request, answer); }).status;
    return status.ok() ? std::to_string(answer.offset) + "/" + std::to_string(answer.time_ms) : std::string(code_name(status.code()));
  }
  // Lets so much time pass.
  void pass(Nanos time) { (void)time_.run_until(time, [] { return false; }); }
  Status produce(std::string_view topic, const std::vector<std::string>& values, WallMs time, batch::Identity who = {}, int32_t partition = 0) {
    batch::RecordWriter writer;
    for (const std::string& value : values) writer.append({std::nullopt, span_of(value), time, {}});
    return produce_batch(topic, writer.finish(who), partition);
  }
  Status produce_batch(std::string_view topic, const std::vector<uint8_t>& bytes, int32_t partition = 0) {
    const ion_buf part = borrowed(bytes);
    ion_produce_req request{};
    request.size = sizeof request, request.acks = ION_ACKS_ALL, request.topic = bytes_of(topic), request.nparts = 1, request.parts = &part;
    request.partition = partition;
    ion_produce_answer answer{};
    answer.size = sizeof answer;
    const Status status = ask([&](Op& op) { return api().produce(op, request, answer); }).status;
    was_duplicate = (answer.flags & ION_PRODUCE_DUPLICATE) != 0;
    return status;
  }
  Status produce(std::string_view topic, const std::vector<std::string>& values) { return produce(topic, values, time_.clock().wall()); }
  bool was_duplicate = false;  // the batch that was produced last

  // The values of all records from the start, joined by commas; or "!CODE".
  std::string consume(std::string_view topic) {
    std::string all;
    for (ion_offset at = 0;;) {
      ion_fetch_req request{};
      request.size = sizeof request, request.topic = bytes_of(topic), request.offset = at, request.bytes_max = 1 << 20;
      ion_fetch_answer answer{};
      answer.size = sizeof answer;
      const Outcome got = ask([&](Op& op) { return api().fetch(op, request, answer); });
      if (!got.status.ok()) return all + "!" + std::string(code_name(got.status.code()));
      for (const Buf& buf : got.bufs) add_values(all, buf);
      if (got.bufs.empty() || answer.next == at) return all;
      at = answer.next;
    }
  }
  // How long a fetch at `offset` waits for a record that does not come, when it may wait for `limit`. `parked` runs meanwhile.
  Nanos wait_at(std::string_view topic, ion_offset offset, Nanos limit, const std::function<void()>& parked) {
    ion_fetch_req request{};
    request.size = sizeof request, request.topic = bytes_of(topic), request.offset = offset, request.bytes_max = 1 << 20;
    request.bytes_min = 1, request.wait_ns = static_cast<uint64_t>(limit.n);
    ion_fetch_answer answer{};
    answer.size = sizeof answer;
    const Instant begun = time_.clock().now();
    Asked asked([&](Op& op) { return api().fetch(op, request, answer); });
    EXPECT_FALSE(time_.run_until({limit.n / 2}, [&] { return asked.done(); }));
    parked();
    EXPECT_TRUE(time_.run_until(kAnswerLimit, [&] { return asked.done(); }));
    const Outcome got = asked.take();
    EXPECT_TRUE(got.status.ok() && got.bufs.empty()) << got.status.text();
    return time_.clock().now() - begun;
  }
  // "topic/partition@offset=value" of the record with this id; or the reason, else the code, why there is none.
  std::string get_record(const Uuid& id) {
    ion_record_req request{};
    request.size = sizeof request;
    std::copy(id.bytes.begin(), id.bytes.end(), request.id);
    ion_record_answer answer{};
    ion_error_info error{};
    error.size = sizeof error;
    answer.size = sizeof answer, answer.error = &error;
    const Outcome got = ask([&](Op& op) { return api().get_record(op, request, answer); });
    if (!got.status.ok()) return error.reason[0] != 0 ? error.reason : std::string(code_name(got.status.code()));
    std::string value;
    for (const Buf& buf : got.bufs) add_values(value, buf);
    return std::string(answer.topic) + "/" + std::to_string(answer.partition) + "@" + std::to_string(answer.offset) + "=" + value;
  }
  // The ids of all records of a topic's first partition.
  std::vector<Uuid> ids(std::string_view topic) {
    ion_fetch_req request{};
    request.size = sizeof request, request.topic = bytes_of(topic), request.bytes_max = 16 << 20;
    ion_fetch_answer answer{};
    answer.size = sizeof answer;
    const Outcome got = ask([&](Op& op) { return api().fetch(op, request, answer); });
    std::vector<Uuid> all;
    for (const Buf& buf : got.bufs)
      each_record(buf, [&](const batch::Record& record) { all.push_back(message_id::make(record.time, record.offset, {answer.log_id})); });
    return all;
  }
  BrokerApi& api() { return broker_->api(); }
  Broker& broker() { return *broker_; }
  VirtualWorld& world() { return *world_; }
  FakeDisk& disk(const std::string& below = {}) { return machine_.disk(data_dir_ + below); }

  // The process dies with all that it has not given to its files.
  void kill() {
    FakeDisk& data = disk();
    data.go_down();
    (void)broker_->stop();
    broker_.reset();
    world_.reset();
    data.kill();
  }

 private:
  static std::vector<ion_field> fields_of(const Config& config) {
    std::vector<ion_field> fields;
    for (const auto& [key, value] : config) fields.push_back({bytes_of(key), bytes_of(value)});
    return fields;
  }
  template <class Start>
  Outcome ask(Start&& start) {
    Asked asked(std::forward<Start>(start));
    if (!time_.run_until(kAnswerLimit, [&] { return asked.done(); })) return {Status(ION_E_DEADLINE, "no answer in virtual time"), 0, 0, {}};
    return asked.take();
  }
  static void add_values(std::string& all, const Buf& buf) {
    each_record(buf, [&](const batch::Record& record) {
      all += (all.empty() ? "" : ",") + std::string(text_of(record.value.value_or(std::span<const uint8_t>())));
    });
  }
  template <class F>
  static void each_record(const Buf& buf, F&& f) {
    for (uint64_t at = 0; at < buf.size();) {
      const std::span<const uint8_t> rest(buf.data() + at, buf.size() - at);
      const batch::Header header = batch::read_header(rest.data());
      auto reader = batch::RecordReader::open(rest.first(header.total_bytes()));
      ION_ASSERT(reader.has_value());
      for (auto record = reader->next(); record.has_value() && record->has_value(); record = reader->next())
        f(**record);
      at += header.total_bytes();
    }
  }

  VirtualTime& time_;
  const std::string data_dir_;
  VirtualMachine machine_;
  uint64_t starts_ = 0;
  std::unique_ptr<VirtualWorld> world_;
  std::unique_ptr<Broker> broker_;
};

}  // namespace ion::test
