// Texts of one record that are more than its bytes: JSON, base64, decimal numbers. Pure; everything is appended to `to`.
#pragma once
#include <ion/ids.h>
#include <ion/record_reader.h>
#include <ion/time.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ion::cli {

// What is known of a record when it is printed: borrowed for the call.
struct RecordView {
  std::string_view topic;
  PartitionId partition;
  Offset offset;
  WallMs time;
  LogId log;
  std::optional<std::string_view> key, value;
  std::span<const uint8_t> headers;  // encoded, as in the batch
  int32_t header_count = 0;
  uint64_t number = 0;               // of this run, from 1
  // Of the batch that holds it; -1: not known, or nobody.
  int32_t leader_epoch = -1;
  int64_t producer = -1;
  int16_t producer_epoch = -1;
  uint16_t attributes = 0;
};

// Of a record that was read; topic, partition, log and number are the caller's to fill in.
// `batch` is the header of the batch that holds it; null: not known.
RecordView view_of(const batch::Record& record, const batch::Header* batch);

bool is_utf8(std::string_view text);
void append_number(int64_t number, std::string& to);
void append_base64(std::string_view bytes, std::string& to);
void append_hex(std::string_view bytes, std::string& to);
// The bytes; nothing where the text is not in that encoding. base64 may lack its padding.
std::optional<std::string> from_base64(std::string_view text);
std::optional<std::string> from_hex(std::string_view text);
// A header as it stands in a batch; a missing value is null.
void append_header(std::string_view key, std::optional<std::string_view> value, std::string& to);
void append_json_string(std::string_view utf8, std::string& to);
// The record's UUIDv7; nothing for a record whose offset nobody said.
void append_id(const RecordView& record, std::string& to);
// One line: topic partition offset timestamp id key value headers. What is not UTF-8 is base64, and X_encoding says so; a missing
// key is absent, a missing value null.
void append_json_line(const RecordView& record, std::string& to);

}  // namespace ion::cli
