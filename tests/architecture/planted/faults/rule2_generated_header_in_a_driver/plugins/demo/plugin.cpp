#include <ionstream/v1/record.pb.h>  // FAULT

#include "core/rule.h"
