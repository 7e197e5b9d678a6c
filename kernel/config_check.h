// What a start refuses before it opens data and ports, so that --check-config refuses the same in the same words: settings that
// contradict each other, plugins that are not found or do not fit, sections that their plugins do not take, contracts that are missing.
// Thread: main.
#pragma once
#include "kernel.h"

namespace ion {

// Rules of the kernel's own settings that sections alone cannot say. INVALID names every key with its value, one rule a line.
Status check_settings(const config::KernelConfig& config);

// All of it. Plugins are loaded and created as a start does, nothing is written, opened or listened to; leave the process by
// leave_process() afterwards, for plugins stay mapped. The snapshot with the checked sections of the plugins.
Result<config::ConfigSnapshot> check_config(const config::Loaded& loaded, const BrokerOptions& options);

}  // namespace ion
