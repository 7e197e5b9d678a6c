#include "base/world.h"
#include "cluster/metadata_view.h"
#include "../plugins/demo/core/rule.h"  // FAULT

int main() { return 0; }
