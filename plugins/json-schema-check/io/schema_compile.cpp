#include "io/schema.h"

#include <algorithm>
#include <array>
#include <functional>

namespace ion::json_schema_check {

namespace {
constexpr size_t kNodesMax = 10'000;
constexpr int64_t kRegexBytesMax = int64_t{1} << 20;  // RE2's memory for one expression

std::string escaped(std::string_view key) {  // a step of a JSON pointer
  std::string to;
  for (const char c : key) to += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return to;
}
}  // namespace

// Nodes are made by their place in the schema, so that references may lead in circles.
class Compiler {
 public:
  Compiler(const Json& document, Schema& to) : document_(document), to_(to) {}
  Result<const Node*> at(const std::string& place, const Json& schema);

 private:
  using Member = Status (Compiler::*)(Node& node, const std::string& place, const Json& value);
  struct Keyword {
    std::string_view name;
    Member read;  // null: says nothing about values
  };
  static const std::array<Keyword, 49> kKeywords;

  Status wrong(const std::string& place, const std::string& wanted, const Json& have) const {
    return {ION_E_INVALID, "schema" + place + ": wanted " + wanted + ", have " + have.dump().substr(0, 100)};
  }
  Result<std::unique_ptr<re2::RE2>> regex(const std::string& place, const std::string& text) const;
  Status sub(const Node*& to, const std::string& place, const Json& value);
  Status list(std::vector<const Node*>& to, const std::string& place, const Json& value);
  Status names(std::vector<std::string>& to, const std::string& place, const Json& value) const;
  template <auto To>
  Status one(Node& n, const std::string& p, const Json& v) { return sub(n.*To, p, v); }
  template <auto To>
  Status many(Node& n, const std::string& p, const Json& v) { return list(n.*To, p, v); }
  template <auto To>
  Status number(Node& n, const std::string& p, const Json& v) {
    if (!v.is_number()) return wrong(p, "a number", v);
    n.*To = v.get<long double>();
    return {};
  }
  template <auto To>
  Status count(Node& n, const std::string& p, const Json& v) {
    const double d = v.is_number() ? v.get<double>() : -1;
    if (d < 0 || d > 9e15 || d != static_cast<double>(static_cast<uint64_t>(d))) return wrong(p, "a whole number from 0 on", v);
    n.*To = static_cast<uint64_t>(d);
    return {};
  }
  Status type(Node& n, const std::string& p, const Json& v);
  Status choices(Node& n, const std::string& p, const Json& v);
  Status constant(Node& n, const std::string&, const Json& v) { return n.constant = v, Status(); }
  Status multiple(Node& n, const std::string& p, const Json& v);
  Status pattern(Node& n, const std::string& p, const Json& v);
  Status unique(Node& n, const std::string& p, const Json& v);
  Status items(Node& n, const std::string& p, const Json& v) { return v.is_array() ? list(n.tuple, p, v) : sub(n.items, p, v); }
  Status properties(Node& n, const std::string& p, const Json& v);
  Status pattern_properties(Node& n, const std::string& p, const Json& v);
  Status required(Node& n, const std::string& p, const Json& v) { return names(n.required, p, v); }
  Status dependencies(Node& n, const std::string& p, const Json& v);
  Status unchecked(Node&, const std::string& p, const Json&) { return to_.unchecked_.push_back(p), Status(); }
  Status reference(Node& n, const std::string& p, const Json& v);

  const Json& document_;
  Schema& to_;
  std::map<std::string, const Node*> made_;
};

const std::array<Compiler::Keyword, 49> Compiler::kKeywords{{
    {"$schema", nullptr}, {"$id", nullptr}, {"$comment", nullptr}, {"title", nullptr}, {"description", nullptr}, {"default", nullptr},
    {"examples", nullptr}, {"readOnly", nullptr}, {"writeOnly", nullptr}, {"definitions", nullptr}, {"$defs", nullptr},
    {"format", &Compiler::unchecked}, {"contentEncoding", &Compiler::unchecked}, {"contentMediaType", &Compiler::unchecked},
    {"type", &Compiler::type}, {"enum", &Compiler::choices}, {"const", &Compiler::constant},
    {"minimum", &Compiler::number<&Node::minimum>}, {"maximum", &Compiler::number<&Node::maximum>},
    {"exclusiveMinimum", &Compiler::number<&Node::above>}, {"exclusiveMaximum", &Compiler::number<&Node::below>},
    {"multipleOf", &Compiler::multiple}, {"minLength", &Compiler::count<&Node::length_min>}, {"maxLength", &Compiler::count<&Node::length_max>},
    {"pattern", &Compiler::pattern}, {"items", &Compiler::items}, {"additionalItems", &Compiler::one<&Node::additional_items>},
    {"contains", &Compiler::one<&Node::contains>}, {"minItems", &Compiler::count<&Node::items_min>},
    {"maxItems", &Compiler::count<&Node::items_max>}, {"uniqueItems", &Compiler::unique}, {"properties", &Compiler::properties},
    {"patternProperties", &Compiler::pattern_properties}, {"additionalProperties", &Compiler::one<&Node::additional_properties>},
    {"propertyNames", &Compiler::one<&Node::property_names>}, {"required", &Compiler::required},
    {"minProperties", &Compiler::count<&Node::properties_min>}, {"maxProperties", &Compiler::count<&Node::properties_max>},
    {"dependencies", &Compiler::dependencies}, {"dependentRequired", &Compiler::dependencies}, {"dependentSchemas", &Compiler::dependencies},
    {"allOf", &Compiler::many<&Node::all_of>}, {"anyOf", &Compiler::many<&Node::any_of>}, {"oneOf", &Compiler::many<&Node::one_of>},
    {"not", &Compiler::one<&Node::none_of>}, {"if", &Compiler::one<&Node::condition>}, {"then", &Compiler::one<&Node::then>},
    {"else", &Compiler::one<&Node::otherwise>}, {"$ref", &Compiler::reference},
}};

Result<const Node*> Compiler::at(const std::string& place, const Json& schema) {
  if (const auto known = made_.find(place); known != made_.end()) return known->second;
  if (to_.nodes_.size() >= kNodesMax) return Status(ION_E_INVALID, "schema: wanted at most " + std::to_string(kNodesMax) + " schemas in it");
  Node& node = to_.nodes_.emplace_back();
  made_[place] = &node;
  if (schema.is_boolean()) {
    node.never = !schema.get<bool>();
    return &node;
  }
  if (!schema.is_object()) return wrong(place, "an object, true or false", schema);
  if (const auto ref = schema.find("$ref"); ref != schema.end() && ref->is_string()) {
    ION_CHECK(reference(node, place + "/$ref", *ref));
    return &node;
  }
  for (const auto& [key, value] : schema.items()) {
    const auto known = std::find_if(kKeywords.begin(), kKeywords.end(), [&k = key](const Keyword& w) { return w.name == k; });
    if (known == kKeywords.end())
      return Status(ION_E_INVALID, "schema" + place + ": unknown keyword \"" + key + "\"; wanted those of JSON Schema draft 7");
    if (known->read == nullptr) continue;
    ION_CHECK((this->*known->read)(node, place + "/" + escaped(key), value));
  }
  return &node;
}

Result<std::unique_ptr<re2::RE2>> Compiler::regex(const std::string& place, const std::string& text) const {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kRegexBytesMax);
  auto made = std::make_unique<re2::RE2>(text, options);
  if (!made->ok()) return Status(ION_E_INVALID, "schema" + place + ": \"" + text + "\" is no regular expression of RE2: " + made->error());
  return made;
}
Status Compiler::sub(const Node*& to, const std::string& place, const Json& value) {
  ION_TRY(to, at(place, value));
  return {};
}
Status Compiler::list(std::vector<const Node*>& to, const std::string& place, const Json& value) {
  if (!value.is_array() || value.empty()) return wrong(place, "a list of schemas", value);
  for (size_t i = 0; i < value.size(); ++i) ION_CHECK(sub(to.emplace_back(), place + "/" + std::to_string(i), value[i]));
  return {};
}
Status Compiler::names(std::vector<std::string>& to, const std::string& place, const Json& value) const {
  if (!value.is_array() || !std::all_of(value.begin(), value.end(), [](const Json& v) { return v.is_string(); })) return wrong(place, "a list of texts", value);
  for (const Json& name : value) to.push_back(name.get<std::string>());
  return {};
}
Status Compiler::type(Node& n, const std::string& p, const Json& v) {
  static constexpr std::array<std::pair<std::string_view, uint32_t>, 7> kTypes{{{"null", kNull}, {"boolean", kBoolean}, {"integer", kInteger},
                                                                               {"number", kNumber}, {"string", kString}, {"array", kArray}, {"object", kObject}}};
  for (const Json& word : v.is_array() ? v : Json::array({v})) {
    const auto known = std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& t) { return word.is_string() && t.first == word.get_ref<const std::string&>(); });
    if (known == kTypes.end()) return wrong(p, "null, boolean, integer, number, string, array or object", v);
    n.types |= known->second;
  }
  return n.types != 0 ? Status() : wrong(p, "a type", v);
}
Status Compiler::choices(Node& n, const std::string& p, const Json& v) {
  if (!v.is_array() || v.empty()) return wrong(p, "a list of values", v);
  n.choices.assign(v.begin(), v.end());
  return {};
}
Status Compiler::multiple(Node& n, const std::string& p, const Json& v) {
  ION_CHECK(number<&Node::multiple_of>(n, p, v));
  return *n.multiple_of > 0 ? Status() : wrong(p, "a number above 0", v);
}
Status Compiler::pattern(Node& n, const std::string& p, const Json& v) {
  if (!v.is_string()) return wrong(p, "a regular expression", v);
  ION_TRY(n.pattern, regex(p, v.get<std::string>()));
  return {};
}
Status Compiler::unique(Node& n, const std::string& p, const Json& v) {
  if (!v.is_boolean()) return wrong(p, "true or false", v);
  n.unique = v.get<bool>();
  return {};
}
Status Compiler::properties(Node& n, const std::string& p, const Json& v) {
  if (!v.is_object()) return wrong(p, "an object of schemas", v);
  for (const auto& [key, schema] : v.items()) ION_CHECK(sub(n.properties[key], p + "/" + escaped(key), schema));
  return {};
}
Status Compiler::pattern_properties(Node& n, const std::string& p, const Json& v) {
  if (!v.is_object()) return wrong(p, "an object of schemas", v);
  for (const auto& [key, schema] : v.items()) {
    const std::string place = p + "/" + escaped(key);
    ION_TRY(auto made, regex(place, key));
    n.pattern_properties.emplace_back(std::move(made), nullptr);
    ION_CHECK(sub(n.pattern_properties.back().second, place, schema));
  }
  return {};
}
Status Compiler::dependencies(Node& n, const std::string& p, const Json& v) {
  if (!v.is_object()) return wrong(p, "an object", v);
  for (const auto& [key, what] : v.items()) {
    const std::string place = p + "/" + escaped(key);
    ION_CHECK(what.is_array() ? names(n.needed_with.emplace_back(key, std::vector<std::string>()).second, place, what)
                              : sub(n.schema_with.emplace_back(key, nullptr).second, place, what));
  }
  return {};
}
Status Compiler::reference(Node& n, const std::string& p, const Json& v) {
  const std::string target = v.is_string() ? v.get<std::string>() : "";
  if (target != "#" && !target.starts_with("#/")) return wrong(p, "a place in this schema, \"#/definitions/NAME\"", v);
  std::string pointer;  // a fragment: %25 is '%'
  for (size_t i = 1; i < target.size(); ++i) {
    if (target[i] == '%' && i + 2 < target.size()) pointer += static_cast<char>(std::strtol(target.substr(i + 1, 2).c_str(), nullptr, 16)), i += 2;
    else pointer += target[i];
  }
  try {
    const Json::json_pointer where(pointer);
    if (!document_.contains(where)) return wrong(p, "a place that is there", v);
    return sub(n.ref, pointer, document_.at(where));
  } catch (const Json::exception&) {
    return wrong(p, "a JSON pointer", v);
  }
}

Result<std::unique_ptr<Schema>> Schema::compile(const Json& schema) {
  auto made = std::make_unique<Schema>();
  Compiler compiler(schema, *made);
  ION_TRY(made->root_, compiler.at("", schema));
  return made;
}

}  // namespace ion::json_schema_check
