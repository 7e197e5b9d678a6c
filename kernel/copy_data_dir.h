// `ionstreamd --copy-storage-to`: the storage of one configuration copied into the empty one of another, while no broker runs on either.
// Thread: main.
#pragma once
#include "base/world.h"
#include "config/kernel_config.h"
#include "kernel.h"
#include "storage_copy.h"

#include <functional>
#include <string>

namespace ion {

// `say` gets a line about once a second. Only the plugins with ion.storage/1 are started. BUSY: somebody has one of the directories;
// CONFLICT: the other one has logs already, of which nothing is changed. Until it answers OK a broker refuses to start on the copy, and
// the next call begins the copy anew. The world is stopped when it answers.
Result<CopyProgress> copy_data_dir(const config::Loaded& from, const config::Loaded& to, const BrokerOptions& options, World& world,
                                   const std::function<void(const std::string& line)>& say);

}  // namespace ion
