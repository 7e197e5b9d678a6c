#include "config/schema_check.h"

#include "config/key_path.h"

#include <fmt/format.h>
#include <ion/suggestion.h>
#include <ion/units.h>

#include <algorithm>
#include <cmath>

namespace ion::config {
namespace {

using Type = Schema::Type;
using Others = Schema::Others;
constexpr double kExactWholeMax = 9007199254740992.0;  // 2^53: above it a double skips whole numbers

Result<int64_t> nanoseconds_of(std::string_view text) {
  ION_TRY(const Nanos time, parse_duration(text));
  return time.n;
}

void move_to(Node& node, std::string path) {
  node.path = std::move(path);
  for (Member& m : node.members) move_to(m.value, member_path(node.path, m.key));
  for (size_t i = 0; i < node.items.size(); ++i) move_to(node.items[i], item_path(node.path, i));
}

// A default stands in the text of the schema, and that is no origin an operator would know.
void forget_origin(Node& node) {
  node.origin = Origin{};
  for (Member& m : node.members) forget_origin(m.value);
  for (Node& item : node.items) forget_origin(item);
}

void mark_unchecked(Node& node) {
  node.unchecked = true;
  for (Member& m : node.members) mark_unchecked(m.value);
  for (Node& item : node.items) mark_unchecked(item);
}

bool same_value(const Node& a, const Node& b) {
  const auto real = [](const Node& n) { return n.is(Kind::kInteger) ? static_cast<double>(n.integer) : n.number; };
  if (a.is(Kind::kInteger) && b.is(Kind::kInteger)) return a.integer == b.integer;
  if (a.is(Kind::kNumber) || b.is(Kind::kNumber)) return !a.is(Kind::kText) && !b.is(Kind::kText) && real(a) == real(b);
  return a.kind == b.kind && a.text == b.text;
}

class Checker {
 public:
  Checker(const Node& root, const Schema& root_schema, Problems& problems)
      : root_path_(root.path), root_schema_(root_schema), problems_(problems) {}
  void value(Node& node, const Schema& schema);

 private:
  void wrong(const Node& node, const Schema& schema, std::string_view wanted);
  void object(Node& node, const Schema& schema);
  void settle_names(Node& node, const Schema& schema);
  void fill_in(Node& node, const Schema& schema, const SchemaProperty& property);
  void unknown_key(const Node& object, const Schema& schema, const Member& member);
  std::string elsewhere(const Schema& schema, std::string_view path, std::string_view key) const;
  void list(Node& node, const Schema& schema);
  void integer(Node& node, const Schema& schema);
  void number(Node& node, const Schema& schema);
  void text(Node& node, const Schema& schema);
  void boolean(Node& node, const Schema& schema);
  void choice(const Node& node, const Schema& schema);

  std::string root_path_;
  const Schema& root_schema_;
  Problems& problems_;
};

// The schema's mark is set before anything can be printed: a wrong secret is a secret too.
void Checker::value(Node& node, const Schema& schema) {
  node.secret = node.secret || schema.secret;
  node.unchecked = false;
  node.reloadable = schema.reloadable;
  node.unit = schema.unit;
  if (node.broken) return;
  switch (schema.type) {
    case Type::kObject: object(node, schema); break;
    case Type::kList: list(node, schema); break;
    case Type::kInteger: integer(node, schema); break;
    case Type::kNumber: number(node, schema); break;
    case Type::kText: text(node, schema); break;
    case Type::kBool: boolean(node, schema); break;
    case Type::kAny: break;
  }
}

void Checker::wrong(const Node& node, const Schema& schema, std::string_view wanted) {
  const bool broken_json = node.untyped && node.is(Kind::kText) && (schema.is(Type::kObject) || schema.is(Type::kList)) &&
                           (node.text.starts_with('{') || node.text.starts_with('['));
  problems_.add(node.origin, node.path, fmt::format("wanted {}, found {}{}", wanted, shown(node), broken_json ? " (not valid JSON)" : ""));
}

void Checker::object(Node& node, const Schema& schema) {
  if (!node.is(Kind::kObject)) return wrong(node, schema, type_text(schema.type));
  settle_names(node, schema);
  for (const SchemaProperty& property : schema.properties) fill_in(node, schema, property);
  for (const std::string& key : schema.required)
    if (node.find(key) == nullptr) problems_.add(node.origin, member_path(node.path, key), "is required and missing");

  const auto rank = [&](const Member& m) {
    const auto at = std::find_if(schema.properties.begin(), schema.properties.end(), [&](const SchemaProperty& p) { return p.key == m.key; });
    return at - schema.properties.begin();
  };
  std::stable_sort(node.members.begin(), node.members.end(), [&](const Member& a, const Member& b) { return rank(a) < rank(b); });

  for (Member& m : node.members) {
    m.value.secret = m.value.secret || node.secret;
    const Schema* inner = schema.member(m.key);
    if (inner != nullptr) value(m.value, *inner);
    else if (schema.others == Others::kForbidden) unknown_key(node, schema, m);
    else mark_unchecked(m.value);
  }
}

// A variable's name knows neither case nor '-'; where the schema was not known yet, its key is settled here.
void Checker::settle_names(Node& node, const Schema& schema) {
  for (Member& m : node.members) {
    if (m.value.origin.layer != Layer::kEnvironment || schema.property(m.key) != nullptr) continue;
    for (const SchemaProperty& property : schema.properties) {
      if (!loosely_equal(property.key, m.key) || node.find(property.key) != nullptr) continue;
      m.key = property.key;
      move_to(m.value, member_path(node.path, m.key));
      break;
    }
  }
}

// A missing member becomes its default; a missing object with properties becomes the defaults of these, unless it has a
// required one: then it is absent as a whole.
void Checker::fill_in(Node& node, const Schema& schema, const SchemaProperty& property) {
  if (node.find(property.key) != nullptr) return;
  const bool is_section = property.schema.is(Type::kObject) && property.schema.required.empty() &&
                          (!property.schema.properties.empty() || property.schema.others == Others::kChecked);
  if (!property.schema.standard.has_value() && !is_section) return;
  const bool required = std::find(schema.required.begin(), schema.required.end(), property.key) != schema.required.end();
  if (required && !is_section) return;
  Member member{property.key, property.schema.standard.value_or(make_object({}, {}))};
  move_to(member.value, member_path(node.path, property.key));
  forget_origin(member.value);
  node.members.push_back(std::move(member));
}

void Checker::unknown_key(const Node& object, const Schema& schema, const Member& member) {
  const std::vector<std::string> known = schema.keys();
  std::string words = "unknown key";
  if (const std::string near = nearest(member.key, known); !near.empty()) {
    words += fmt::format("; did you mean \"{}\"?", near);
  } else if (const std::string there = elsewhere(root_schema_, root_path_, member.key); !there.empty()) {
    words += fmt::format("; did you mean {}?", there);
  } else if (known.empty()) {
    words += fmt::format("; {} has no keys", object.path.empty() ? "the root" : object.path);
  } else {
    words += fmt::format("; known here: {}", fmt::join(known, ", "));
  }
  problems_.add(member.value.origin, member.value.path, words);
}

// The path of the first key of exactly this name, section by section; free keys are written NAME.
std::string Checker::elsewhere(const Schema& schema, std::string_view path, std::string_view key) const {
  for (const SchemaProperty& property : schema.properties)
    if (loosely_equal(property.key, key)) return member_path(path, property.key);
  for (const SchemaProperty& property : schema.properties)
    if (std::string found = elsewhere(property.schema, member_path(path, property.key), key); !found.empty()) return found;
  if (schema.others == Others::kChecked) return elsewhere(schema.other.front(), member_path(path, "NAME"), key);
  return {};
}

void Checker::list(Node& node, const Schema& schema) {
  if (!node.is(Kind::kList)) return wrong(node, schema, type_text(schema.type));
  for (Node& item : node.items) {
    item.secret = item.secret || node.secret;
    if (!schema.item.empty()) value(item, schema.item.front());
  }
}

void Checker::integer(Node& node, const Schema& schema) {
  const bool defaulted = node.origin.layer == Layer::kDefault;
  if (schema.unit != Unit::kNone) {
    const bool bytes = schema.unit == Unit::kBytes;
    const bool bare_time = !bytes && node.is(Kind::kInteger) && node.integer != 0 && !defaulted;
    if (node.is(Kind::kText) || bare_time) {
      const std::string written = bare_time ? fmt::format("{}", node.integer) : node.text;
      const Result<int64_t> parsed = bytes ? parse_bytes(written) : nanoseconds_of(written);
      if (!parsed) {
        const std::string& words = parsed.error().message();
        return problems_.add(node.origin, node.path, node.secret ? words.substr(0, words.find(", have")) + ", have ***" : words);
      }
      node.kind = Kind::kInteger;
      node.integer = *parsed;
    }
  } else if (node.is(Kind::kText) && node.untyped) {
    const Result<Node> parsed = parse_jsonc(node.text, {});
    if (parsed && parsed->is(Kind::kInteger)) node.kind = Kind::kInteger, node.integer = parsed->integer;
  }
  if (node.is(Kind::kNumber) && std::nearbyint(node.number) == node.number && std::abs(node.number) <= kExactWholeMax) {
    node.kind = Kind::kInteger;  // 1e6
    node.integer = static_cast<int64_t>(node.number);
  }
  if (!node.is(Kind::kInteger)) return wrong(node, schema, type_text(schema.type));
  node.text.clear();
  const bool low = schema.minimum.has_value() && node.integer < *schema.minimum;
  const bool high = schema.maximum.has_value() && node.integer > *schema.maximum;
  if (low || high) {
    const auto said = [&](int64_t v) { return unit_text(schema.unit, v); };
    std::string range;
    if (schema.minimum && schema.maximum) range = fmt::format("{} to {}", said(*schema.minimum), said(*schema.maximum));
    else if (low) range = fmt::format("at least {}", said(*schema.minimum));
    else range = fmt::format("at most {}", said(*schema.maximum));
    return problems_.add(node.origin, node.path,
                         fmt::format("wanted {}, found {}", range, node.secret ? "***" : unit_text(schema.unit, node.integer)));
  }
  choice(node, schema);
}

void Checker::number(Node& node, const Schema& schema) {
  if (node.is(Kind::kText) && node.untyped) {
    const Result<Node> parsed = parse_jsonc(node.text, {});
    if (parsed && parsed->is(Kind::kInteger)) node.kind = Kind::kInteger, node.integer = parsed->integer;
    if (parsed && parsed->is(Kind::kNumber)) node.kind = Kind::kNumber, node.number = parsed->number;
  }
  if (node.is(Kind::kInteger)) node.kind = Kind::kNumber, node.number = static_cast<double>(node.integer);
  if (!node.is(Kind::kNumber)) return wrong(node, schema, type_text(schema.type));
  node.text.clear();
  const bool low = schema.low.has_value() && node.number < *schema.low;
  const bool high = schema.high.has_value() && node.number > *schema.high;
  if (low || high) {
    const std::string range = schema.low && schema.high ? fmt::format("{} to {}", *schema.low, *schema.high)
                              : low                     ? fmt::format("at least {}", *schema.low)
                                                        : fmt::format("at most {}", *schema.high);
    return wrong(node, schema, range);
  }
  choice(node, schema);
}

void Checker::text(Node& node, const Schema& schema) {
  if (node.untyped && node.is_scalar()) node.kind = Kind::kText;  // a variable that holds 42 may mean the text
  if (!node.is(Kind::kText)) return wrong(node, schema, type_text(schema.type));
  if (static_cast<int64_t>(node.text.size()) < schema.min_length)
    return wrong(node, schema, schema.min_length == 1 ? "a text that is not empty" : fmt::format("at least {} characters", schema.min_length));
  choice(node, schema);
}

void Checker::boolean(Node& node, const Schema& schema) {
  if (node.untyped && node.is(Kind::kText) && (node.text == "true" || node.text == "false")) {
    node.kind = Kind::kBool;
    node.truth = node.text == "true";
  }
  if (!node.is(Kind::kBool)) return wrong(node, schema, type_text(schema.type));
  node.text.clear();
}

void Checker::choice(const Node& node, const Schema& schema) {
  if (schema.choices.empty()) return;
  if (std::any_of(schema.choices.begin(), schema.choices.end(), [&](const Node& c) { return same_value(c, node); })) return;
  std::vector<std::string> known, words;
  for (const Node& c : schema.choices) known.push_back(c.text), words.push_back(shown(c));
  const std::string near = node.is(Kind::kText) && !node.secret ? nearest(node.text, known) : "";
  problems_.add(node.origin, node.path, fmt::format("wanted one of {}, found {}{}", fmt::join(words, ", "), shown(node),
                                                    near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near)));
}

}  // namespace

void check(Node& tree, const Schema& schema, Problems& problems) { Checker(tree, schema, problems).value(tree, schema); }

}  // namespace ion::config
