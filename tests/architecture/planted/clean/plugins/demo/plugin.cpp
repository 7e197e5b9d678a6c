#include <ion/result.h>

#include "core/rule.h"
