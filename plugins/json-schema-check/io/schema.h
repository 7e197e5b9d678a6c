// A JSON Schema of draft 7, compiled once and then asked for each value. What cannot be checked is refused when it is compiled: a keyword
// that is passed over in silence would let through what its author thinks is rejected.
// Regular expressions are RE2's, in time and memory proportional to the text: std::regex uses the stack for each character, and a value of
// 50,000 of them ends the process.
// Immutable after compile(); any thread.
#pragma once
#include <ion/result.h>

#include <nlohmann/json.hpp>
#include <re2/re2.h>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ion::json_schema_check {

using Json = nlohmann::json;

// One schema. A member that is not set asks nothing.
struct Node {
  bool never = false;   // the schema `false`
  uint32_t types = 0;   // bits of TypeBit; 0: any
  std::optional<Json> constant;
  std::vector<Json> choices;  // enum
  std::optional<long double> minimum, maximum, above, below, multiple_of;
  std::optional<uint64_t> length_min, length_max, items_min, items_max, properties_min, properties_max;
  std::unique_ptr<re2::RE2> pattern;
  bool unique = false;
  std::vector<const Node*> tuple;  // `items` as a list
  const Node *items = nullptr, *additional_items = nullptr, *contains = nullptr;
  std::map<std::string, const Node*, std::less<>> properties;
  std::vector<std::pair<std::unique_ptr<re2::RE2>, const Node*>> pattern_properties;
  const Node *additional_properties = nullptr, *property_names = nullptr;
  std::vector<std::string> required;
  std::vector<std::pair<std::string, std::vector<std::string>>> needed_with;  // dependencies of names
  std::vector<std::pair<std::string, const Node*>> schema_with;               // dependencies of schemas
  std::vector<const Node*> all_of, any_of, one_of;
  const Node *none_of = nullptr, *condition = nullptr, *then = nullptr, *otherwise = nullptr;
  const Node* ref = nullptr;  // stands alone: draft 7 passes over what is beside it
};
enum TypeBit : uint32_t { kNull = 1, kBoolean = 2, kInteger = 4, kNumber = 8, kString = 16, kArray = 32, kObject = 64 };

class Schema {
 public:
  // INVALID names the place in the schema. `schema` is read only during the call.
  static Result<std::unique_ptr<Schema>> compile(const Json& schema);

  // The first thing that is wrong, "/a/0: wanted ..., have ..."; nothing: the value matches.
  std::optional<std::string> problem_of(const Json& value) const;
  // Places of keywords that say something about a value and are not checked: "format", "contentEncoding", "contentMediaType".
  const std::vector<std::string>& unchecked() const { return unchecked_; }

 private:
  friend class Compiler;
  std::deque<Node> nodes_;  // stay where they are
  const Node* root_ = nullptr;
  std::vector<std::string> unchecked_;
};

}  // namespace ion::json_schema_check
