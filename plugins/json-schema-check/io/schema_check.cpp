#include "io/schema.h"

#include <algorithm>
#include <cmath>

namespace ion::json_schema_check {
namespace {

using Problem = std::optional<std::string>;
constexpr int kDepthMax = 256;          // of schemas that lead to each other
constexpr uint64_t kStepsMax = 1'000'000;  // for one value: `anyOf` of references may double with each level

uint32_t type_of(const Json& v) {
  switch (v.type()) {
    case Json::value_t::null: return kNull;
    case Json::value_t::boolean: return kBoolean;
    case Json::value_t::string: return kString;
    case Json::value_t::array: return kArray;
    case Json::value_t::object: return kObject;
    case Json::value_t::number_float: {
      const double d = v.get<double>();
      return std::floor(d) == d && std::isfinite(d) ? kInteger | kNumber : kNumber;
    }
    default: return kInteger | kNumber;
  }
}
std::string types_text(uint32_t types) {
  static constexpr std::string_view kNames[] = {"null", "boolean", "integer", "number", "string", "array", "object"};
  std::string text;
  for (int i = 0; i < 7; ++i)
    if ((types >> i & 1) != 0) text += (text.empty() ? "" : " or ") + std::string(kNames[i]);
  return text;
}
std::string shown(const Json& v) {  // whole texts stay out of error messages: they may be what nobody should read
  if (v.is_string() || v.is_structured()) return std::string(v.is_string() ? "a string" : v.is_array() ? "an array" : "an object");
  return v.dump();
}
uint64_t characters(const std::string& text) {
  return static_cast<uint64_t>(std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<uint8_t>(c) & 0xc0) != 0x80; }));
}
std::string number_text(long double n) { return Json(static_cast<double>(n)).dump(); }

class Checker {
 public:
  Problem check(const Node& n, const Json& v, const std::string& place) {
    if (n.never) return place_of(place) + ": nothing is allowed here";
    if (depth_ == kDepthMax || ++steps_ > kStepsMax) return place_of(place) + ": the schema leads on without end, or takes too many steps";
    ++depth_;
    const Problem found = n.ref != nullptr ? check(*n.ref, v, place) : check_all(n, v, place);
    --depth_;
    return found;
  }

 private:
  static std::string place_of(const std::string& place) { return place.empty() ? "value" : place; }
  Problem say(const std::string& place, const std::string& wanted, const Json& have) const {
    return place_of(place) + ": wanted " + wanted + ", have " + shown(have);
  }

  Problem check_all(const Node& n, const Json& v, const std::string& place) {
    if (n.types != 0 && (n.types & type_of(v)) == 0) return say(place, types_text(n.types), v);
    if (n.constant && *n.constant != v) return say(place, n.constant->dump().substr(0, 100), v);
    if (!n.choices.empty() && std::find(n.choices.begin(), n.choices.end(), v) == n.choices.end())
      return say(place, "one of " + Json(n.choices).dump().substr(0, 200), v);
    Problem found;
    if (v.is_number()) found = check_number(n, v, place);
    else if (v.is_string()) found = check_string(n, v.get_ref<const std::string&>(), place);
    else if (v.is_array()) found = check_array(n, v, place);
    else if (v.is_object()) found = check_object(n, v, place);
    return found ? found : check_combined(n, v, place);
  }
  Problem check_number(const Node& n, const Json& v, const std::string& place) const {
    const auto have = v.get<long double>();
    if (n.minimum && have < *n.minimum) return say(place, "at least " + number_text(*n.minimum), v);
    if (n.maximum && have > *n.maximum) return say(place, "at most " + number_text(*n.maximum), v);
    if (n.above && have <= *n.above) return say(place, "above " + number_text(*n.above), v);
    if (n.below && have >= *n.below) return say(place, "below " + number_text(*n.below), v);
    if (!n.multiple_of) return {};
    const long double times = have / *n.multiple_of;
    const bool whole = std::isfinite(times) && std::fabs(times - std::round(times)) <= 1e-9L * std::max(1.0L, std::fabs(times) * 1e-6L);
    return whole ? Problem() : say(place, "a multiple of " + number_text(*n.multiple_of), v);
  }
  Problem check_string(const Node& n, const std::string& v, const std::string& place) const {
    if (n.length_min || n.length_max) {
      const uint64_t have = characters(v);
      if (n.length_min && have < *n.length_min) return bound(place, "at least", *n.length_min, "characters", have);
      if (n.length_max && have > *n.length_max) return bound(place, "at most", *n.length_max, "characters", have);
    }
    if (n.pattern && !re2::RE2::PartialMatch(v, *n.pattern)) return place_of(place) + ": wanted a text that matches " + n.pattern->pattern();
    return {};
  }
  static Problem bound(const std::string& place, const std::string& how, uint64_t wanted, const std::string& what, uint64_t have) {
    return place_of(place) + ": wanted " + how + " " + std::to_string(wanted) + " " + what + ", have " + std::to_string(have);
  }
  Problem check_array(const Node& n, const Json& v, const std::string& place) {
    if (n.items_min && v.size() < *n.items_min) return bound(place, "at least", *n.items_min, "items", v.size());
    if (n.items_max && v.size() > *n.items_max) return bound(place, "at most", *n.items_max, "items", v.size());
    if (n.unique && repeats(v)) return place_of(place) + ": wanted no item twice";
    const Node* rest = n.tuple.empty() ? n.items : n.additional_items;
    for (size_t i = 0; i < v.size(); ++i) {
      const Node* item = i < n.tuple.size() ? n.tuple[i] : rest;
      if (item == nullptr) continue;
      if (Problem found = check(*item, v[i], place + "/" + std::to_string(i))) return found;
    }
    if (n.contains != nullptr && std::none_of(v.begin(), v.end(), [&](const Json& item) { return !check(*n.contains, item, place); }))
      return place_of(place) + ": wanted an item that matches `contains`";
    return {};
  }
  static bool repeats(const Json& v) {
    std::vector<const Json*> sorted;
    for (const Json& item : v) sorted.push_back(&item);
    std::sort(sorted.begin(), sorted.end(), [](const Json* a, const Json* b) { return *a < *b; });
    return std::adjacent_find(sorted.begin(), sorted.end(), [](const Json* a, const Json* b) { return *a == *b; }) != sorted.end();
  }
  Problem check_object(const Node& n, const Json& v, const std::string& place) {
    for (const std::string& name : n.required)
      if (!v.contains(name)) return place_of(place) + ": wanted a field \"" + name + "\"";
    if (n.properties_min && v.size() < *n.properties_min) return bound(place, "at least", *n.properties_min, "fields", v.size());
    if (n.properties_max && v.size() > *n.properties_max) return bound(place, "at most", *n.properties_max, "fields", v.size());
    for (const auto& [with, names] : n.needed_with)
      for (const std::string& name : names)
        if (v.contains(with) && !v.contains(name)) return place_of(place) + ": wanted a field \"" + name + "\" beside \"" + with + "\"";
    for (const auto& [with, schema] : n.schema_with)
      if (v.contains(with))
        if (Problem found = check(*schema, v, place)) return found;
    for (const auto& [name, field] : v.items())
      if (Problem found = check_field(n, name, field, place)) return found;
    return {};
  }
  Problem check_field(const Node& n, const std::string& name, const Json& field, const std::string& place) {
    const std::string here = place + "/" + name;
    if (n.property_names != nullptr && check(*n.property_names, Json(name), here)) return here + ": the name of this field is not allowed";
    bool named = false;
    if (const auto known = n.properties.find(name); known != n.properties.end()) {
      named = true;
      if (Problem found = check(*known->second, field, here)) return found;
    }
    for (const auto& [pattern, schema] : n.pattern_properties) {
      if (!re2::RE2::PartialMatch(name, *pattern)) continue;
      named = true;
      if (Problem found = check(*schema, field, here)) return found;
    }
    if (named || n.additional_properties == nullptr) return {};
    if (n.additional_properties->never) return here + ": a field of this name is not allowed";
    return check(*n.additional_properties, field, here);
  }
  Problem check_combined(const Node& n, const Json& v, const std::string& place) {
    for (const Node* each : n.all_of)
      if (Problem found = check(*each, v, place)) return found;
    const auto matches = [&](const Node* each) { return !check(*each, v, place); };
    if (!n.any_of.empty() && std::none_of(n.any_of.begin(), n.any_of.end(), matches)) return place_of(place) + ": matches nothing of `anyOf`";
    if (!n.one_of.empty()) {
      const auto count = std::count_if(n.one_of.begin(), n.one_of.end(), matches);
      if (count != 1) return place_of(place) + ": wanted a match of one of `oneOf`, have " + std::to_string(count);
    }
    if (n.none_of != nullptr && matches(n.none_of)) return place_of(place) + ": matches what `not` forbids";
    if (n.condition == nullptr) return {};
    const Node* branch = matches(n.condition) ? n.then : n.otherwise;
    return branch == nullptr ? Problem() : check(*branch, v, place);
  }

  int depth_ = 0;
  uint64_t steps_ = 0;
};

}  // namespace

std::optional<std::string> Schema::problem_of(const Json& value) const { return Checker().check(*root_, value, ""); }

}  // namespace ion::json_schema_check
