// One rule in a child process. Thread: one, and no other may run in this process.
#pragma once
#include "conform/report.h"

#include <string>

namespace ion::conform {

// `name` as GoogleTest writes it: SUITE.CASE, with /PARAMETER. A child that dies or does not end in time is a broken rule.
RuleReport run_case(const std::string& name, int timeout_s);

}  // namespace ion::conform
