// The subset of JSON Schema that a section or a plugin may speak: type, properties, required, enum, minimum, maximum, minLength,
// items, additionalProperties, default, description, and our x-unit (bytes, duration), x-reloadable, x-secret.
// Any other word that would restrict values is refused when the schema is read: a rule is never accepted and ignored.
// An object with properties forbids other keys unless additionalProperties says otherwise. Values only; any thread.
#pragma once
#include "config/json_tree.h"

#include <ion/result.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ion::config {

struct SchemaProperty;
struct Schema {
  enum class Type : uint8_t { kAny, kObject, kList, kText, kInteger, kNumber, kBool };
  enum class Others : uint8_t { kForbidden, kAny, kChecked };  // keys that no property names

  Type type = Type::kAny;
  std::string description;
  Unit unit = Unit::kNone;
  bool reloadable = false, secret = false;
  std::optional<Node> standard;  // `default`
  std::vector<Node> choices;     // `enum`
  std::optional<int64_t> minimum, maximum;  // of integers
  std::optional<double> low, high;          // of numbers
  int64_t min_length = 0;
  std::vector<SchemaProperty> properties;
  std::vector<std::string> required;
  Others others = Others::kForbidden;
  std::vector<Schema> other;  // kChecked: one schema, of every other member
  std::vector<Schema> item;   // of each item of a list; none: any

  // `name` says whose schema it is: "schema of plugin dlq".
  static Result<Schema> parse(std::string_view text, std::string_view name);
  static Result<Schema> from(const Node& node);

  const Schema* property(std::string_view key) const;
  // Of a member, named or other; nullptr when nothing is known of it.
  const Schema* member(std::string_view key) const;
  std::vector<std::string> keys() const;
  bool is(Type t) const { return type == t; }
};
struct SchemaProperty {
  std::string key;
  Schema schema;
};

std::string_view type_text(Schema::Type type);  // "a whole number"
std::string unit_text(Unit unit, int64_t value);  // "64MiB", "30s"; without a unit "3"

}  // namespace ion::config
