// Which topic a value of the header leads to. Pure; any thread.
#pragma once
#include <ion/result.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ion::route_by_header {

struct Target {
  enum class Kind { kKeep, kTopic, kReject } kind = Kind::kKeep;
  std::string topic, why;
  std::string name() const { return kind == Kind::kTopic ? topic : "the topic it was sent to"; }
  bool operator==(const Target& o) const { return kind == o.kind && topic == o.topic; }
};

class Routes {
 public:
  // INVALID: no routes, one without "=", a value twice.
  enum class Other { kKeep, kReject };  // what becomes of a value without a route
  static Result<Routes> make(const std::vector<std::string>& routes, Other other);
  Target target_of(std::optional<std::string_view> value) const;  // nothing: the record has no such header

 private:
  std::map<std::string, std::string, std::less<>> topics_;
  bool reject_ = false;
};

}  // namespace ion::route_by_header
