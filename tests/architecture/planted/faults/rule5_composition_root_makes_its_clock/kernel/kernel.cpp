#include "base/world.h"
#include "cluster/metadata_view.h"
#include "partition/core/window.h"

base::SystemClock here;  // FAULT

int main() { return 0; }
