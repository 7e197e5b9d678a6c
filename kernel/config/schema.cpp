#include "config/schema.h"

#include <fmt/format.h>
#include <ion/units.h>

#include <algorithm>
#include <array>

namespace ion::config {
namespace {

using Type = Schema::Type;

struct TypeRow {
  std::string_view name;
  Type type;
  std::string_view words;
};
constexpr TypeRow kTypes[] = {{"object", Type::kObject, "an object"},       {"array", Type::kList, "a list"},
                              {"string", Type::kText, "a text"},            {"integer", Type::kInteger, "a whole number"},
                              {"number", Type::kNumber, "a number"},        {"boolean", Type::kBool, "true or false"},
                              {"", Type::kAny, "any value"}};

// Words that say nothing about which values are valid.
constexpr std::array<std::string_view, 8> kRemarks = {"$schema", "$id", "$comment", "title", "examples", "deprecated", "readOnly", "writeOnly"};

Status refused(const Node& at, std::string_view words) {
  return {ION_E_INVALID, fmt::format("{}: {}: {}", at.origin.source, at.path.empty() ? "the root" : at.path, words)};
}
Status wanted(const Node& at, std::string_view what) { return refused(at, fmt::format("wanted {}, found {}", what, shown(at))); }

Status read_type(Schema& to, const Node& value) {
  const auto row = std::find_if(std::begin(kTypes), std::end(kTypes), [&](const TypeRow& r) { return !r.name.empty() && r.name == value.text; });
  if (!value.is(Kind::kText) || row == std::end(kTypes))
    return wanted(value, "one of object, array, string, integer, number, boolean");
  to.type = row->type;
  return {};
}

Status read_unit(Schema& to, const Node& value) {
  if (value.text == "bytes") to.unit = Unit::kBytes;
  else if (value.text == "duration") to.unit = Unit::kDuration;
  else return wanted(value, "bytes or duration");
  return {};
}

Status read_flag(bool& to, const Node& value) {
  if (!value.is(Kind::kBool)) return wanted(value, "true or false");
  to = value.truth;
  return {};
}

Status read_limit(std::optional<int64_t>& whole, std::optional<double>& real, const Node& value) {
  if (value.is(Kind::kInteger)) whole = value.integer, real = static_cast<double>(value.integer);
  else if (value.is(Kind::kNumber)) real = value.number;
  else return wanted(value, "a number");
  return {};
}

Status read_properties(Schema& to, const Node& value) {
  if (!value.is(Kind::kObject)) return wanted(value, "an object");
  for (const Member& m : value.members) {
    ION_TRY(Schema schema, Schema::from(m.value));
    to.properties.push_back({m.key, std::move(schema)});
  }
  return {};
}

Status read_others(Schema& to, const Node& value) {
  if (value.is(Kind::kBool)) {
    to.others = value.truth ? Schema::Others::kAny : Schema::Others::kForbidden;
    return {};
  }
  ION_TRY(Schema schema, Schema::from(value));
  to.others = Schema::Others::kChecked;
  to.other.push_back(std::move(schema));
  return {};
}

Status read_required(Schema& to, const Node& value) {
  if (!value.is(Kind::kList)) return wanted(value, "a list of keys");
  for (const Node& key : value.items) {
    if (!key.is(Kind::kText)) return wanted(key, "a key");
    to.required.push_back(key.text);
  }
  return {};
}

Status read_word(Schema& to, const Member& m) {
  const std::string_view word = m.key;
  const Node& value = m.value;
  if (word == "type") return read_type(to, value);
  if (word == "properties") return read_properties(to, value);
  if (word == "additionalProperties") return read_others(to, value);
  if (word == "required") return read_required(to, value);
  if (word == "minimum") return read_limit(to.minimum, to.low, value);
  if (word == "maximum") return read_limit(to.maximum, to.high, value);
  if (word == "x-unit") return read_unit(to, value);
  if (word == "x-reloadable") return read_flag(to.reloadable, value);
  if (word == "x-secret") return read_flag(to.secret, value);
  if (word == "description") return to.description = value.text, Status();
  if (word == "default") return to.standard = value, Status();
  if (word == "enum") return value.is(Kind::kList) ? (to.choices = value.items, Status()) : wanted(value, "a list");
  if (word == "minLength")
    return value.is(Kind::kInteger) && value.integer >= 0 ? (to.min_length = value.integer, Status()) : wanted(value, "a length");
  if (word == "items") {
    ION_TRY(Schema schema, Schema::from(value));
    to.item.push_back(std::move(schema));
    return {};
  }
  if (std::find(kRemarks.begin(), kRemarks.end(), word) != kRemarks.end()) return {};
  return refused(value, fmt::format("the schema word \"{}\" is not offered here", word));
}

}  // namespace

Result<Schema> Schema::parse(std::string_view text, std::string_view name) {
  while (!text.empty() && text.back() == '\0') text.remove_suffix(1);  // a note is padded
  ION_TRY(const Node node, parse_jsonc(text, Origin{Layer::kDefault, std::string(name), 0}));
  return from(node);
}

Result<Schema> Schema::from(const Node& node) {
  if (!node.is(Kind::kObject)) return wanted(node, "a schema (an object)");
  Schema schema;
  for (const Member& m : node.members) ION_CHECK(read_word(schema, m));
  const bool says_others = node.find("additionalProperties") != nullptr;
  if (schema.type == Type::kAny && (!schema.properties.empty() || says_others)) schema.type = Type::kObject;
  if (!says_others && schema.properties.empty()) schema.others = Others::kAny;
  if (schema.unit != Unit::kNone && schema.type != Type::kInteger) return refused(node, "x-unit wants type integer");
  for (const std::string& key : schema.required)
    if (schema.member(key) == nullptr && schema.others == Others::kForbidden)
      return refused(node, fmt::format("required names \"{}\", which is no property", key));
  return schema;
}

const Schema* Schema::property(std::string_view key) const {
  const auto at = std::find_if(properties.begin(), properties.end(), [&](const SchemaProperty& p) { return p.key == key; });
  return at == properties.end() ? nullptr : &at->schema;
}

const Schema* Schema::member(std::string_view key) const {
  if (const Schema* named = property(key); named != nullptr) return named;
  return others == Others::kChecked ? &other.front() : nullptr;
}

std::vector<std::string> Schema::keys() const {
  std::vector<std::string> names;
  for (const SchemaProperty& p : properties) names.push_back(p.key);
  return names;
}

std::string_view type_text(Type type) {
  for (const TypeRow& row : kTypes)
    if (row.type == type) return row.words;
  return "any value";
}

std::string unit_text(Unit unit, int64_t value) {
  switch (unit) {
    case Unit::kBytes: return bytes_text(value);
    case Unit::kDuration: return duration_text({value});
    case Unit::kNone: break;
  }
  return fmt::format("{}", value);
}

}  // namespace ion::config
