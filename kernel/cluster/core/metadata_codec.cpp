#include "cluster/core/metadata_codec.h"

#include <ion/record_batch.h>

#include <string>

namespace ion::cluster {

namespace {

constexpr uint8_t kVersion = 1;
constexpr uint8_t kVersionOfIds = 2;  // of kinds since then that give ids: who does not know them must not go on
constexpr uint32_t kListMax = 1'000'000;  // of foreign data; far above every limit of topics
enum Kind : uint8_t { kCreateTopic = 1, kDeleteTopic = 2, kForgetTombstone = 3, kReserveProducers = 4, kCreateTopicWithin = 5, kAlterTopic = 6, kAddPartitions = 7 };

class Writer {
 public:
  explicit Writer(Kind kind, uint8_t version = kVersion) : bytes_{version, kind} {}
  template <class T>
  Writer& number(T v) {
    bytes_.resize(bytes_.size() + sizeof(T));
    batch::store_big<T>(bytes_.data() + bytes_.size() - sizeof(T), v);
    return *this;
  }
  Writer& text(std::string_view s) {
    number(static_cast<uint32_t>(s.size()));
    bytes_.insert(bytes_.end(), s.begin(), s.end());
    return *this;
  }
  Writer& uuid(const Uuid& u) {
    bytes_.insert(bytes_.end(), u.bytes.begin(), u.bytes.end());
    return *this;
  }
  std::vector<uint8_t> take() { return std::move(bytes_); }

 private:
  std::vector<uint8_t> bytes_;
};

class Reader {
 public:
  explicit Reader(std::span<const uint8_t> bytes) : left_(bytes) {}
  bool ok() const { return ok_; }
  bool at_end() const { return left_.empty(); }
  template <class T>
  T number() {
    if (!need(sizeof(T))) return {};
    const T v = batch::load_big<T>(left_.data());
    left_ = left_.subspan(sizeof(T));
    return v;
  }
  std::string text() {
    const auto n = number<uint32_t>();
    if (!need(n)) return {};
    std::string s(reinterpret_cast<const char*>(left_.data()), n);
    left_ = left_.subspan(n);
    return s;
  }
  Uuid uuid() {
    Uuid u;
    if (!need(u.bytes.size())) return u;
    std::copy_n(left_.begin(), u.bytes.size(), u.bytes.begin());
    left_ = left_.subspan(u.bytes.size());
    return u;
  }
  uint32_t count() {
    const auto n = number<uint32_t>();
    if (n > kListMax) ok_ = false;
    return ok_ ? n : 0;
  }

 private:
  bool need(size_t n) { return ok_ = ok_ && left_.size() >= n; }
  std::span<const uint8_t> left_;
  bool ok_ = true;
};

void put_partitions(Writer& to, const std::vector<PartitionRecord>& partitions) {
  to.number(static_cast<uint32_t>(partitions.size()));
  for (const PartitionRecord& p : partitions) {
    to.number(p.log_id.v).number(p.leader.v).number(p.leader_epoch.v).number(static_cast<uint32_t>(p.replicas.size()));
    for (NodeId node : p.replicas) to.number(node.v);
  }
}
void put_config(Writer& to, const std::map<std::string, std::string>& config) {
  to.number(static_cast<uint32_t>(config.size()));
  for (const auto& [key, value] : config) to.text(key).text(value);
}
void put_topic(Writer& to, const TopicRecord& t) {
  to.text(t.name).uuid(t.uuid).number(t.created.ms).number(t.replication);
  put_partitions(to, t.partitions);
  put_config(to, t.config);
}

std::vector<PartitionRecord> take_partitions(Reader& from) {
  std::vector<PartitionRecord> partitions;
  for (uint32_t n = from.count(); n-- != 0 && from.ok();) {
    PartitionRecord p;
    p.log_id = {from.number<uint64_t>()};
    p.leader = {from.number<uint64_t>()};
    p.leader_epoch = {from.number<int32_t>()};
    for (uint32_t r = from.count(); r-- != 0 && from.ok();) p.replicas.push_back({from.number<uint64_t>()});
    partitions.push_back(std::move(p));
  }
  return partitions;
}
std::map<std::string, std::string> take_config(Reader& from) {
  std::map<std::string, std::string> config;
  for (uint32_t n = from.count(); n-- != 0 && from.ok();) {
    std::string key = from.text();
    config[std::move(key)] = from.text();
  }
  return config;
}

TopicRecord take_topic(Reader& from) {
  TopicRecord t;
  t.name = from.text();
  t.uuid = from.uuid();
  t.created = {from.number<int64_t>()};
  t.replication = from.number<uint32_t>();
  t.partitions = take_partitions(from);
  t.config = take_config(from);
  return t;
}

}  // namespace

std::vector<uint8_t> encode(const Command& command) {
  if (const auto* create = std::get_if<CreateTopic>(&command)) {
    Writer to(kCreateTopicWithin);
    to.number(create->topics_max).number(create->partitions_max);
    put_topic(to, create->topic);
    return to.take();
  }
  if (const auto* gone = std::get_if<DeleteTopic>(&command)) return Writer(kDeleteTopic).text(gone->name).uuid(gone->uuid).take();
  if (const auto* alter = std::get_if<AlterTopic>(&command)) {
    Writer to(kAlterTopic);
    to.text(alter->name).uuid(alter->uuid);
    put_config(to, alter->set);
    to.number(static_cast<uint32_t>(alter->unset.size()));
    for (const std::string& key : alter->unset) to.text(key);
    return to.take();
  }
  if (const auto* add = std::get_if<AddPartitions>(&command)) {
    Writer to(kAddPartitions, kVersionOfIds);
    to.text(add->name).uuid(add->uuid).number(add->before).number(add->partitions_max);
    put_partitions(to, add->added);
    return to.take();
  }
  if (const auto* forget = std::get_if<ForgetTombstone>(&command)) return Writer(kForgetTombstone).uuid(forget->uuid).take();
  return Writer(kReserveProducers).number(std::get<ReserveProducers>(command).count).take();
}

Result<Command> decode(std::span<const uint8_t> bytes) {
  Reader from(bytes);
  const auto version = from.number<uint8_t>();
  const auto kind = from.number<uint8_t>();
  if (!from.ok()) return Status(ION_E_CORRUPT, "metadata command of " + std::to_string(bytes.size()) + " bytes, want a version and a kind");
  const bool known = version == kVersion || (version == kVersionOfIds && kind == kAddPartitions);
  if (!known)
    return Status(ION_E_UNSUPPORTED, "metadata command: want version 1, or 2 of the kind that adds partitions, have " + std::to_string(version) + " of kind " + std::to_string(kind), std::string(kUnknownVersion));
  Command command;
  switch (kind) {
    case kCreateTopic: command = CreateTopic{take_topic(from)}; break;
    case kCreateTopicWithin: {
      CreateTopic create;
      create.topics_max = from.number<uint64_t>();
      create.partitions_max = from.number<uint64_t>();
      create.topic = take_topic(from);
      command = std::move(create);
      break;
    }
    case kDeleteTopic: {
      DeleteTopic gone;
      gone.name = from.text();
      gone.uuid = from.uuid();
      command = std::move(gone);
      break;
    }
    case kAlterTopic: {
      AlterTopic alter;
      alter.name = from.text();
      alter.uuid = from.uuid();
      alter.set = take_config(from);
      for (uint32_t n = from.count(); n-- != 0 && from.ok();) alter.unset.push_back(from.text());
      command = std::move(alter);
      break;
    }
    case kAddPartitions: {
      AddPartitions add;
      add.name = from.text();
      add.uuid = from.uuid();
      add.before = from.number<uint32_t>();
      add.partitions_max = from.number<uint64_t>();
      add.added = take_partitions(from);
      command = std::move(add);
      break;
    }
    case kForgetTombstone: command = ForgetTombstone{from.uuid()}; break;
    case kReserveProducers: command = ReserveProducers{from.number<uint32_t>()}; break;
    default: return Status(ION_E_UNSUPPORTED, "metadata command: unknown kind " + std::to_string(kind), std::string(kUnknownKind));
  }
  if (!from.ok() || !from.at_end()) return Status(ION_E_CORRUPT, "metadata command of kind " + std::to_string(kind) + ": its fields do not fit its bytes");
  return command;
}

}  // namespace ion::cluster
