// One value of a record against the settings: is it there, is it JSON, does it match. Immutable; any thread.
#pragma once
#include "io/schema.h"
#include "json_schema_check_config.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ion::json_schema_check {

class ValueCheck {
 public:
  static Result<ValueCheck> make(const CheckConfig& config);
  // What is wrong with a value; nothing: it passes.
  std::optional<std::string> problem_of(bool has_value, std::string_view value) const;
  const std::vector<std::string>& unchecked() const { return schema_->unchecked(); }

 private:
  ValueCheck(std::unique_ptr<const Schema> schema, bool allow_null) : schema_(std::move(schema)), allow_null_(allow_null) {}
  std::unique_ptr<const Schema> schema_;
  bool allow_null_;
};

}  // namespace ion::json_schema_check
