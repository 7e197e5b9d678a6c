#include <lz4frame.h>  // FAULT

#include "core/rule.h"
