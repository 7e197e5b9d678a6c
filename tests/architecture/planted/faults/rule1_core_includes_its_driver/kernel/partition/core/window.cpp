#include "partition/core/window.h"

#include "partition/private_part.h"  // FAULT
