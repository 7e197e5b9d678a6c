#include "cluster/metadata_view.h"

#include <nlohmann/json.hpp>  // FAULT
