#include "cluster/metadata_view.h"

auto late() { return std::chrono::system_clock::now(); }  // FAULT
