// get_record: the id names a log and an offset in it; the batch there is fetched as by any reader, interceptors included, and the record
// is given alone. A record that an interceptor took out, or that has another time, is not the one of that id.
#include "pipeline/verb_paths.h"

#include <fmt/format.h>
#include <ion/delete_horizon.h>
#include <ion/message_id.h>
#include <ion/record_reader.h>
#include <ion/record_writer.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace ion::pipeline {
namespace {

struct Place {
  cluster::TopicEntryPtr topic;
  int32_t partition = 0;
};

// Looks at every partition: a question of people, not of a stream of requests.
Result<Place> find_log(const cluster::MetadataView& view, LogId log) {
  const auto topics = view.current();
  for (const auto& [name, entry] : *topics) {
    const auto& partitions = entry->record->partitions;
    const auto at = std::find_if(partitions.begin(), partitions.end(), [&](const auto& p) { return p.log_id == log; });
    if (at != partitions.end()) return Place{entry, static_cast<int32_t>(at - partitions.begin())};
  }
  return Status(ION_E_NOT_FOUND, fmt::format("no partition has log {}: its topic was deleted, or the id is of another cluster", log.v), "LOG_NOT_FOUND");
}

bool any_compressed(std::span<const uint8_t> batches) {
  while (batches.size() >= batch::kHeaderBytes) {
    const batch::Header h = batch::read_header(batches.data());
    if (h.codec() != 0) return true;
    batches = batches.subspan(std::min<size_t>(h.total_bytes(), batches.size()));
  }
  return false;
}

// The record at an offset, alone in a batch of its own, which is not compressed.
Result<std::vector<uint8_t>> batch_of(std::span<const uint8_t> batches, Offset offset, const message_id::Parts& id, BatchCodecs& codecs, Admitted& admitted) {
  while (!batches.empty()) {
    if (batches.size() < batch::kHeaderBytes || batch::read_header(batches.data()).total_bytes() > batches.size())
      return Status(ION_E_CORRUPT, fmt::format("{} bytes are no whole batch", batches.size()));
    const batch::Header stored = batch::read_header(batches.data());
    std::span<const uint8_t> whole = batches.first(stored.total_bytes());
    batches = batches.subspan(stored.total_bytes());
    if ((stored.attributes & batch::kControl) != 0 || stored.next_offset() <= offset) continue;
    Buf opened;
    if (stored.codec() != 0) {
      const ion_buf part = borrowed(whole);
      ION_TRY(opened, codecs.open_stored({&part, 1}, stored, [&](uint64_t bytes) { return admitted.grow(bytes); }));
      whole = opened.span();
    }
    ION_TRY(batch::RecordReader reader, batch::RecordReader::open(whole));
    const batch::Header& header = reader.header();
    for (;;) {
      ION_TRY(const std::optional<batch::Record> record, reader.next());
      if (!record) break;
      if (record->offset != offset) continue;
      if (!message_id::is_time_of(id, record->time))
        return Status(ION_E_NOT_FOUND, fmt::format("offset {} holds a record of time {}, the id is of time {}", offset.v, record->time.ms, id.time.ms), "RECORD_NOT_FOUND");
      std::vector<batch::RecordHeader> headers;
      batch::HeaderReader each(*record);
      while (const auto item = each.next()) headers.push_back({item->key, item->value});
      batch::RecordWriter writer;
      writer.append({record->key, record->value, record->time, headers});
      const int32_t sequence =
          header.idempotent() ? batch::advance_sequence(header.base_sequence, static_cast<int32_t>(offset.v - header.base_offset.v)) : -1;
      std::vector<uint8_t> alone = writer.finish({header.producer, header.producer_epoch, sequence}, static_cast<uint16_t>(header.attributes & ~batch::kDeleteHorizon));
      batch::write_prefix(alone.data(), offset, static_cast<int32_t>(alone.size() - batch::kLengthEnd), header.leader_epoch);
      return alone;
    }
  }
  return Status(ION_E_NOT_FOUND, fmt::format("offset {} holds no record any more", offset.v), "RECORD_NOT_FOUND");
}

// What a request keeps until its completion.
struct Getting {
  ion_record_answer& answer;  // the caller's, until completion
  BatchCodecs& codecs;
  Admission& admission;
  LimitedJobs& opening;
  message_id::Parts id;
  Place place;
  Later later;
  ion_fetch_req request{};
  ion_fetch_answer fetched{};
  std::vector<uint8_t> bytes{};  // that were fetched

  std::string_view topic() const { return place.topic->record->name; }
  void fail(const Status& why) {
    const Status whole(why.code(), fmt::format("topic {} partition {}: {}", topic(), place.partition, why.message()), why.reason());
    explain_failure(answer.error, whole);
    later.fail(whole);
  }
  // Whoever completes a fetch is a shard: what must be opened is taken away from it.
  static void found(const std::shared_ptr<Getting>& self, const ion_result& result) {
    Outcome outcome = Outcome::from(result);
    if (!outcome.status.ok()) return self->later.fail(outcome.status);  // explained by the fetch
    for (const Buf& part : outcome.bufs) self->bytes.insert(self->bytes.end(), part.data(), part.data() + part.size());
    if (!any_compressed(self->bytes)) return self->answer_from_bytes();
    if (const Status posted = self->opening.post([self] { self->answer_from_bytes(); }); !posted.ok()) self->fail(posted);
  }
  void answer_from_bytes() {
    Admitted admitted(admission, 0);  // of what is opened, until it is answered
    const Result<std::vector<uint8_t>> alone = batch_of(bytes, {request.offset}, id, codecs, admitted);
    if (!alone) return fail(alone.error());
    answer.partition = place.partition, answer.offset = request.offset, answer.log_id = id.log.v;
    const std::string_view name = topic().substr(0, sizeof answer.topic - 1);
    answer.topic[name.copy(answer.topic, name.size())] = '\0';
    Buf buf = Buf::copy(*alone);
    later.ok(static_cast<uint64_t>(request.offset), 0, {&buf, 1});
  }
};

}  // namespace

Answer VerbPaths::get_record(Op& op, const ion_record_req& r, ion_record_answer& a) {
  Uuid uuid;
  std::copy_n(r.id, uuid.bytes.size(), uuid.bytes.begin());
  const Result<message_id::Parts> id = message_id::parse(uuid);
  if (!id) return refuse(op, a.error, id.error());
  const Result<Place> place = find_log(services_.view, id->log);
  if (!place) return refuse(op, a.error, place.error());
  const cluster::TopicRecord& topic = *place->topic->record;
  const ion_bytes topic_id{topic.uuid.bytes.data(), topic.uuid.bytes.size()};
  const auto partition = find_partition(services_.view, topic.name, {place->partition}, topic_id);
  if (!partition) return refuse(op, a.error, partition.error());
  const partition::PartitionView view = (*partition)->view();
  auto get = std::make_shared<Getting>(Getting{a, services_.codecs, services_.admission, services_.opening, *id, *place, op.later()});  // shared: completions are copied
  const Result<Offset> offset = message_id::resolve(*id, {view.log_start, view.high_watermark});
  if (!offset) return get->fail(offset.error()), op.pending();
  get->request = {sizeof get->request, 0, r.who, bytes_of(topic.name), place->partition, 0, offset->v, 1, 1, 0, topic_id};
  get->fetched.size = sizeof get->fetched, get->fetched.error = a.error;
  call(CallOptions{op.deadline(), 0}, [&](Op& inner) { return fetches_.fetch(inner, get->request, get->fetched); },
       [get](const ion_result& result) { Getting::found(get, result); });
  return op.pending();
}

}  // namespace ion::pipeline
