#include "record_json.h"

#include <nlohmann/json.hpp>

namespace ion::cli {

namespace {

using Json = nlohmann::json;
using Found = InputFormat::Step::Found;
using Record = InputFormat::Record;

constexpr std::string_view kPassedOver[] = {"partition", "offset", "id"};

bool is_encoding_of(const Json& object, const std::string& name) {
  constexpr std::string_view kEnding = "_encoding";
  return name.ends_with(kEnding) && object.contains(name.substr(0, name.size() - kEnding.size()));
}

// The bytes that a member stands for; false: it is no text, or not in the encoding that it says.
bool bytes_of_member(const Json& object, const std::string& name, Record& record, std::optional<std::string_view>& to) {
  const Json& value = object[name];
  if (value.is_null()) return to.reset(), true;
  if (!value.is_string()) return false;
  std::string text = value.get<std::string>();
  if (const auto encoding = object.find(name + "_encoding"); encoding != object.end()) {
    auto decoded = *encoding == "base64" ? from_base64(text) : std::nullopt;
    if (!decoded) return false;
    text = *std::move(decoded);
  }
  if (!record.decoded) record.decoded = std::make_unique<std::deque<std::string>>();
  to = record.decoded->emplace_back(std::move(text));
  return true;
}

bool header_of(const Json& item, Record& record) {
  if (!item.is_object() || !item.contains("key")) return false;
  std::optional<std::string_view> key;
  InputFormat::Header header;
  for (const auto& [name, value] : item.items()) {
    if (name == "key") {
      if (!bytes_of_member(item, name, record, key) || !key) return false;
    } else if (name == "value") {
      if (!bytes_of_member(item, name, record, header.value)) return false;
    } else if (!is_encoding_of(item, name)) {
      return false;
    }
  }
  header.key = *key;
  record.headers.push_back(header);
  return true;
}

bool record_of(const Json& object, Record& record) {
  if (!object.is_object()) return false;
  record.null_value = true;  // unless there is one
  for (const auto& [name, value] : object.items()) {
    if (name == "topic" && value.is_string()) {
      if (!bytes_of_member(object, name, record, record.topic)) return false;
    } else if (name == "key") {
      if (!bytes_of_member(object, name, record, record.key)) return false;
    } else if (name == "value") {
      if (!bytes_of_member(object, name, record, record.value)) return false;
      record.null_value = !record.value;
    } else if (name == "timestamp" && value.is_number_integer()) {
      record.timestamp_ms = value.get<int64_t>();
    } else if (name == "headers" && value.is_array()) {
      for (const Json& item : value)
        if (!header_of(item, record)) return false;
    } else if (std::find(std::begin(kPassedOver), std::end(kPassedOver), name) == std::end(kPassedOver) && !is_encoding_of(object, name)) {
      return false;
    }
  }
  return true;
}

}  // namespace

InputFormat::Step read_json_line(std::string_view bytes, InputFormat::Source source) {
  const bool ended = source == InputFormat::Source::kEnded;
  InputFormat::Step step;
  const size_t begin = bytes.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) {
    step.found = ended ? Found::kEnd : Found::kNeedMore;
    return step;
  }
  const size_t end = bytes.find('\n', begin);
  if (end == std::string_view::npos && !ended) {
    step.found = Found::kNeedMore;
    return step;
  }
  const std::string_view line = bytes.substr(begin, end == std::string_view::npos ? end : end - begin);
  const Json object = Json::parse(line, nullptr, false);
  step.found = !object.is_discarded() && record_of(object, step.record) ? Found::kRecord : Found::kMismatch;
  step.used = step.found == Found::kMismatch ? begin : begin + line.size() + (end == std::string_view::npos ? 0 : 1);
  return step;
}

}  // namespace ion::cli
