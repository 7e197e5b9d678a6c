// Reads checked configuration text into a struct with rows. The host has checked it against the schema, filled in defaults and
// turned units into integers, so what is refused here is a disagreement between note and code.
#pragma once
#include <ion/config_rows.h>
#include <ion/result.h>

#include <nlohmann/json.hpp>

namespace ion {

namespace detail {
template <class C, class T, size_t N>
Status read_row(C& to, const Row<C, T, N>& r, const nlohmann::json& object) {
  const auto found = object.find(r.name);
  if (found == object.end()) return {};
  const nlohmann::json& v = *found;
  const auto wrong = [&](const char* wanted) { return Status(ION_E_INVALID, std::string(r.name) + ": wanted " + wanted + ", have " + v.dump()); };
  if constexpr (std::is_same_v<T, std::vector<std::string>>) {
    if (!v.is_array()) return wrong("a list of texts");
    (to.*r.field).clear();
    for (const auto& item : v) {
      if (!item.is_string()) return wrong("a list of texts");
      (to.*r.field).push_back(item.get<std::string>());
    }
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (!v.is_string()) return wrong("a text");
    to.*r.field = v.get<std::string>();
  } else if constexpr (std::is_same_v<T, bool>) {
    if (!v.is_boolean()) return wrong("true or false");
    to.*r.field = v.get<bool>();
  } else if constexpr (std::is_same_v<T, double>) {
    if (!v.is_number()) return wrong("a number");
    to.*r.field = v.get<double>();
  } else if constexpr (std::is_same_v<T, Nanos>) {
    if (!v.is_number_integer()) return wrong("nanoseconds");
    to.*r.field = Nanos{v.get<int64_t>()};
  } else {
    if (!v.is_number_integer()) return wrong("a whole number");
    to.*r.field = static_cast<T>(v.get<int64_t>());
  }
  return {};
}
}  // namespace detail

template <class C>
Result<C> read_config(std::string_view text) {
  const nlohmann::json object = nlohmann::json::parse(text, nullptr, false);
  if (!object.is_object()) return Status(ION_E_INVALID, "configuration: wanted a JSON object");
  C to{};
  Status status;
  std::apply([&](const auto&... r) { (void)((status = detail::read_row(to, r, object), status.ok()) && ...); }, C::rows());
  if (!status.ok()) return status;
  return to;
}

}  // namespace ion
