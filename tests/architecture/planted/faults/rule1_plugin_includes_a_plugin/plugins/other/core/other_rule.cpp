#include "core/other_rule.h"
