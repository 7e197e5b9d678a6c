#include "record_json.h"

#include <ion/suggestion.h>
#include <nlohmann/json.hpp>

#include <limits>
#include <set>

namespace ion::cli {

namespace {

using Json = nlohmann::json;
using Found = InputFormat::Step::Found;
using Record = InputFormat::Record;

// What is wrong; empty: nothing.
using Mistake = std::string;

const std::vector<std::string> kOfRecord = {"topic", "partition", "timestamp", "key", "value", "headers"}, kOfHeader = {"key", "value"};
constexpr std::string_view kPassedOver[] = {"offset", "id"};
constexpr std::string_view kEncoding = "_encoding";

std::string in_quotes(std::string_view name) { return "\"" + std::string(name) + "\""; }
std::string kind_of(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null: return "null";
    case Json::value_t::string: return "text";
    case Json::value_t::array: return "an array";
    case Json::value_t::object: return "an object";
    case Json::value_t::boolean: return "true or false";
    default: return "a number";
  }
}
Mistake wanted(std::string_view name, std::string_view what, const std::string& have) { return in_quotes(name) + ": want " + std::string(what) + ", have " + have; }
Mistake wanted(std::string_view name, std::string_view what, const Json& value) { return wanted(name, what, kind_of(value)); }
Mistake wanted_number(std::string_view name, std::string_view what, const Json& value) { return wanted(name, what, value.is_number() ? value.dump() : kind_of(value)); }

Mistake unknown(const Json& object, const std::string& name, const std::vector<std::string>& known) {
  if (name.ends_with(kEncoding)) {
    const std::string of = name.substr(0, name.size() - kEncoding.size());
    if (std::find(known.begin(), known.end(), of) != known.end() && !object.contains(of)) return in_quotes(name) + ": there is no " + in_quotes(of) + " beside it";
  }
  if (const std::string near = nearest(name, known); !near.empty()) return in_quotes(name) + ": no such key; did you mean " + in_quotes(near) + "?";
  std::string all;
  for (const std::string& key : known) all += " " + key;
  return in_quotes(name) + ": no such key; there are" + all;
}

bool is_encoding_of(const Json& object, const std::string& name) {
  return name.ends_with(kEncoding) && object.contains(name.substr(0, name.size() - kEncoding.size()));
}

// The bytes that a member stands for; null where it is null.
Mistake read_bytes(const Json& object, const std::string& name, Record& record, std::optional<std::string_view>& to) {
  const Json& value = object[name];
  if (value.is_null()) return to.reset(), Mistake();
  if (!value.is_string()) return wanted(name, "text or null", value);
  std::string text = value.get<std::string>();
  if (const auto encoding = object.find(name + std::string(kEncoding)); encoding != object.end()) {
    if (*encoding != "base64") return wanted(name + std::string(kEncoding), "\"base64\"", encoding->is_string() ? encoding->dump() : kind_of(*encoding));
    auto decoded = from_base64(text);
    if (!decoded) return in_quotes(name) + ": is not the base64 that " + in_quotes(name + std::string(kEncoding)) + " says";
    text = *std::move(decoded);
  }
  if (!record.decoded) record.decoded = std::make_unique<std::deque<std::string>>();
  to = record.decoded->emplace_back(std::move(text));
  return {};
}
Mistake read_text(const Json& object, const std::string& name, Record& record, std::optional<std::string_view>& to) {
  if (!object[name].is_string()) return wanted(name, "text", object[name]);
  return read_bytes(object, name, record, to);
}

Mistake read_header(const Json& item, Record& record) {
  if (!item.is_object()) return "want an object with \"key\" and \"value\", have " + kind_of(item);
  if (!item.contains("key")) return "\"key\" is missing";
  std::optional<std::string_view> key;
  InputFormat::Header header;
  for (const auto& [name, value] : item.items()) {
    Mistake wrong;
    if (name == "key") wrong = read_text(item, name, record, key);
    else if (name == "value") wrong = read_bytes(item, name, record, header.value);
    else if (!is_encoding_of(item, name)) wrong = unknown(item, name, kOfHeader);
    if (!wrong.empty()) return wrong;
  }
  header.key = *key;
  record.headers.push_back(header);
  return {};
}

Mistake read_headers(const Json& headers, Record& record) {
  if (!headers.is_array()) return wanted("headers", "an array of {\"key\",\"value\"}", headers);
  for (size_t i = 0; i < headers.size(); ++i)
    if (const Mistake wrong = read_header(headers[i], record); !wrong.empty()) return "\"headers\" item " + std::to_string(i + 1) + ": " + wrong;
  return {};
}

Mistake read_partition(const Json& value, Record& record) {
  const bool fits = value.is_number_unsigned() && value.get<uint64_t>() <= static_cast<uint64_t>(std::numeric_limits<int32_t>::max());
  if (!fits) return wanted_number("partition", "a whole number from 0 on", value);
  record.partition = value.get<int64_t>();
  return {};
}
Mistake read_timestamp(const Json& value, Record& record) {
  const bool fits = value.is_number_integer() && (!value.is_number_unsigned() || value.get<uint64_t>() <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()));
  if (!fits) return wanted_number("timestamp", "a whole number of milliseconds", value);
  record.timestamp_ms = value.get<int64_t>();
  return {};
}

Mistake read_member(const Json& object, const std::string& name, const Json& value, Record& record) {
  if (name == "topic") return read_text(object, name, record, record.topic);
  if (name == "key") return read_bytes(object, name, record, record.key);
  if (name == "value") return read_bytes(object, name, record, record.value);
  if (name == "partition") return read_partition(value, record);
  if (name == "timestamp") return read_timestamp(value, record);
  if (name == "headers") return read_headers(value, record);
  const bool passed_over = std::find(std::begin(kPassedOver), std::end(kPassedOver), name) != std::end(kPassedOver);
  return passed_over || is_encoding_of(object, name) ? Mistake() : unknown(object, name, kOfRecord);
}

Mistake read_record(const Json& object, Record& record) {
  if (!object.is_object()) return "want an object with \"value\", have " + kind_of(object);
  for (const auto& [name, value] : object.items())
    if (Mistake wrong = read_member(object, name, value, record); !wrong.empty()) return wrong;
  record.null_value = !record.value;
  return {};
}

// Of two members with one name, a reader of JSON keeps one in silence: which one the writer meant, nobody can tell. `twice` gets the first
// such name in any object of the line.
Json parse_members_once(std::string_view line, Mistake& twice) {
  std::vector<std::set<std::string>> names;  // of the objects that are open
  const auto look = [&](int, Json::parse_event_t event, const Json& parsed) {
    if (event == Json::parse_event_t::object_start) names.emplace_back();
    if (event == Json::parse_event_t::object_end) names.pop_back();
    if (event != Json::parse_event_t::key) return true;
    const auto& name = parsed.get_ref<const std::string&>();
    if (!names.back().insert(name).second && twice.empty()) twice = in_quotes(name) + ": is there twice in one object";
    return true;
  };
  return Json::parse(line, look, false);
}

Mistake why_no_json(std::string_view line) {
  try {
    const Json parsed = Json::parse(line);
    (void)parsed;
  } catch (const Json::parse_error& e) {
    return "is no JSON from byte " + std::to_string(e.byte) + " on";
  }
  return "is no JSON";
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
  Mistake twice;
  const Json object = parse_members_once(line, twice);
  step.why = object.is_discarded() ? why_no_json(line) : !twice.empty() ? twice : read_record(object, step.record);
  step.found = step.why.empty() ? Found::kRecord : Found::kMismatch;
  step.used = step.found == Found::kMismatch ? begin : begin + line.size() + (end == std::string_view::npos ? 0 : 1);
  return step;
}

}  // namespace ion::cli
