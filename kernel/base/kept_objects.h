// What is never freed since code of a plugin may still reach it, listed where a leak checker finds it. The only global list of the kernel.
#pragma once
#include <memory>

namespace ion::base {

// `object` lives until the process ends; its destructor does not run. Any thread.
void keep_until_exit(std::shared_ptr<void> object);

}  // namespace ion::base
