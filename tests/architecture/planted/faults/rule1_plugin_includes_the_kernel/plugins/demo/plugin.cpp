#include <ion/result.h>

#include "core/rule.h"
#include "partition/partition.h"  // FAULT
