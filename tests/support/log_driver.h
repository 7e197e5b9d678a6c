// A small language for tests of ion.storage/1: each verb asks, lets the world run until the answer is there, and hands it over.
//   LogDriver log = *driver.open("p/a/0");   log.append({make_batch(Offset{0}, {"a"})});   EXPECT_EQ(log.read(0).text(), "a");
#pragma once
#include "support/asked.h"
#include "support/batch_builder.h"

#include <ion/contract/storage.h>
#include <ion/crc32c.h>
#include <ion/record_reader.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace ion::test {

// What a read answered.
struct ReadBack {
  Status status;
  Offset base, next;
  Bufs bufs;

  uint64_t bytes() const {
    uint64_t n = 0;
    for (const Buf& b : bufs) n += b.size();
    return n;
  }
  std::vector<batch::Header> headers() const {
    std::vector<batch::Header> all;
    for (const Buf& b : bufs)
      for (uint64_t at = 0; at < b.size(); at += all.back().total_bytes()) {
        ION_ASSERT(b.size() - at >= batch::kHeaderBytes);
        all.push_back(batch::read_header(b.data() + at));
        ION_ASSERT(all.back().total_bytes() <= b.size() - at);
      }
    return all;
  }
  // The values of all records, joined by commas. Checks every CRC on the way.
  std::string text() const {
    std::string joined;
    for (const Buf& b : bufs)
      for (uint64_t at = 0; at < b.size();) {
        const std::span<const uint8_t> rest(b.data() + at, b.size() - at);
        const batch::Header h = batch::read_header(rest.data());
        at += h.total_bytes();
        if (h.count == 0) {  // what a compaction leaves of a batch; no client sends one
          ION_ASSERT(crc32c::of(rest.first(h.total_bytes()).subspan(batch::kCrcFrom)) == h.crc);
          continue;
        }
        const ion_buf one = borrowed(rest.first(h.total_bytes()));
        ION_ASSERT(batch::check({&one, 1}, UINT64_MAX, batch::From::kBroker).has_value());
        Result<batch::RecordReader> reader = batch::RecordReader::open(rest.first(h.total_bytes()));
        ION_ASSERT(reader.has_value());
        for (;;) {
          const auto record = reader->next();
          ION_ASSERT(record.has_value());
          if (!record->has_value()) break;
          joined += (joined.empty() ? "" : ",") + std::string(text_of((*record)->value.value_or(std::span<const uint8_t>())));
        }
      }
    return joined;
  }
};

// Lets jobs run until `asked` was answered.
using Pump = std::function<void(const Asked& asked)>;

class LogDriver {
 public:
  LogDriver(std::unique_ptr<Log> log, Pump pump) : log_(std::move(log)), pump_(std::move(pump)) {}
  Log& log() { return *log_; }
  bool is_open() const { return log_ != nullptr; }

  template <class Start>
  Asked ask(Start&& start) {
    Asked asked(std::forward<Start>(start));
    pump_(asked);
    ION_ASSERT(asked.answers() == 1);
    return asked;
  }
  // Without waiting; the batches must live until the answer.
  Asked begin_append(const std::vector<ion_batch>& raw) {
    return Asked([&](Op& op) { return log_->append(op, raw); });
  }
  Status append(const std::vector<TestBatch>& batches) {
    std::vector<ion_batch> raw;
    for (const TestBatch& b : batches) raw.push_back(b.raw);
    return ask([&](Op& op) { return log_->append(op, raw); }).status();
  }
  Status append(TestBatch b) { return ask([&](Op& op) { return log_->append(op, {&b.raw, 1}); }).status(); }
  // One batch with these values at the end of the log.
  Status add(const std::vector<std::string>& values, const BatchOptions& options = {}) {
    return append(make_batch(log_->stat().next, values, options));
  }
  ReadBack read(Offset from, Offset upto = {INT64_MAX}, uint64_t bytes_max = UINT64_MAX / 2) {
    Outcome o = ask([&](Op& op) { return log_->read(op, from, upto, bytes_max); }).take();
    return {o.status, {static_cast<int64_t>(o.u0)}, {static_cast<int64_t>(o.u1)}, std::move(o.bufs)};
  }
  // All from `from` on, as text; stops at the first failure and says it.
  std::string text(Offset from = {0}, uint64_t bytes_max = UINT64_MAX / 2) {
    std::string all;
    for (Offset at = from;;) {
      const ReadBack piece = read(at, {INT64_MAX}, bytes_max);
      if (!piece.status.ok()) return all + "!" + std::string(code_name(piece.status.code()));
      if (piece.bytes() == 0) return all;
      const std::string text = piece.text();
      all += (all.empty() || text.empty() ? "" : ",") + text;
      at = piece.next;
    }
  }
  Status sync() { return sync(log_->stat().next); }
  Status sync(Offset upto) {
    return ask([&](Op& op) { return log_->sync(op, upto); }).status();
  }
  Status truncate_suffix(Offset from) {
    return ask([&](Op& op) { return log_->truncate_suffix(op, from); }).status();
  }
  Status truncate_prefix(Offset before) {
    return ask([&](Op& op) { return log_->truncate_prefix(op, before); }).status();
  }
  Status seal() {
    return ask([&](Op& op) { return log_->seal(op); }).status();
  }
  // Of whole sealed pieces; null when it is refused.
  std::unique_ptr<Replacement> begin_replace(Offset base, Offset next, Status* answered = nullptr) {
    std::unique_ptr<Replacement> begun;
    const Status status = ask([&](Op& op) { return log_->replace(op, base, next, &begun); }).status();
    if (answered != nullptr) *answered = status;
    return begun;
  }
  Status append_to(Replacement& replacement, const std::vector<TestBatch>& batches) {
    std::vector<ion_batch> raw;
    for (const TestBatch& b : batches) raw.push_back(b.raw);
    return ask([&](Op& op) { return replacement.append(op, raw); }).status();
  }
  Status append_to(Replacement& replacement, const TestBatch& b) { return ask([&](Op& op) { return replacement.append(op, {&b.raw, 1}); }).status(); }
  Status commit(Replacement& replacement) {
    return ask([&](Op& op) { return replacement.commit(op); }).status();
  }
  Status abort(Replacement& replacement) {
    return ask([&](Op& op) { return replacement.abort(op); }).status();
  }
  // All of it; the first refusal ends it.
  Status replace(Offset base, Offset next, const std::vector<TestBatch>& batches) {
    Status status;
    const std::unique_ptr<Replacement> replacement = begin_replace(base, next, &status);
    if (status.ok()) status = append_to(*replacement, batches);
    if (status.ok()) status = commit(*replacement);
    return status;
  }
  Status meta_put(std::string_view key, std::string_view value) {
    const ion_field item{bytes_of(key), bytes_of(value)};
    return ask([&](Op& op) { return log_->meta_put(op, {&item, 1}); }).status();
  }
  Status meta_delete(std::string_view key) {
    const ion_field item{bytes_of(key), {nullptr, 0}};
    return ask([&](Op& op) { return log_->meta_put(op, {&item, 1}); }).status();
  }
  // The value, or "!NOT_FOUND".
  std::string meta_get(std::string_view key) {
    const Outcome o = ask([&](Op& op) { return log_->meta_get(op, key); }).take();
    if (!o.status.ok()) return "!" + std::string(code_name(o.status.code()));
    return std::string(text_of(std::span(o.bufs.at(0).data(), o.bufs.at(0).size())));
  }
  LogStat stat() { return log_->stat(); }
  Status close() {
    const Status closed = ask([&](Op& op) { return log_->close(op); }).status();
    if (closed.ok()) log_.reset();
    return closed;
  }
  // The process dies: nothing is closed.
  std::unique_ptr<Log> abandon() { return std::move(log_); }

 private:
  std::unique_ptr<Log> log_;
  Pump pump_;
};

class StorageDriver {
 public:
  StorageDriver(Storage& storage, Pump pump) : storage_(storage), pump_(std::move(pump)) {}
  Storage& storage() { return storage_; }
  const Pump& pump() const { return pump_; }

  template <class Start>
  Asked ask(Start&& start) {
    Asked asked(std::forward<Start>(start));
    pump_(asked);
    ION_ASSERT(asked.answers() == 1);
    return asked;
  }
  Result<LogDriver> open(std::string_view name, const OpenOptions& options = {}) {
    std::unique_ptr<Log> log;
    const Status opened = ask([&](Op& op) { return storage_.open(op, name, options, &log); }).status();
    if (!opened.ok()) return opened;
    return LogDriver(std::move(log), pump_);
  }
  Status remove(std::string_view name) {
    return ask([&](Op& op) { return storage_.remove(op, name); }).status();
  }
  std::vector<std::string> list(std::string_view prefix = "") {
    std::vector<std::string> names;
    const Asked asked = ask([&](Op& op) { return storage_.list(op, prefix, [&](std::string_view name, uint64_t) { names.emplace_back(name); }); });
    ION_ASSERT(asked.status().ok());
    return names;
  }

 private:
  Storage& storage_;
  Pump pump_;
};

}  // namespace ion::test
