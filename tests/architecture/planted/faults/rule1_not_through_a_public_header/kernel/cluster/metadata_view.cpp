#include "cluster/metadata_view.h"

#include "partition/private_part.h"  // FAULT
