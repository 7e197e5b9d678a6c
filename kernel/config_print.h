// What ionstreamd says of a configuration without starting: the verdict of a check, and the settings in force with who said each.
// Pure; any thread.
#pragma once
#include "config/config_snapshot.h"

#include <ion/status.h>

#include <string>
#include <string_view>

namespace ion {

enum class PrintFormat { kText, kJson };

// A value as --set takes it: a text without quotes unless it is empty or not printable, units written out; "***" for a secret.
std::string setting_text(const config::Node& setting);

// `name` is the file, or what stands for it; `why` has an error in each line of its message, OK is valid.
// Text: the one line "FILE: valid" or "FILE: 2 errors". JSON: {"configuration", "valid", "errors"}.
std::string print_verdict(std::string_view name, const Status& why, PrintFormat format);

// Text: a table of key, value and who said it. JSON: [{"key", "value", "origin", "source"}], where origin is default, file, environment
// or flag and source is FILE:LINE, the name of the variable, the flag, or null. Secrets and what no schema has seen are "***".
std::string print_settings(const config::ConfigSnapshot& snapshot, PrintFormat format);

}  // namespace ion
