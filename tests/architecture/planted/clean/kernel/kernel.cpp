// The composition root may open anything of the kernel.
#include "base/system_clock.h"
#include "cluster/metadata_view.h"
#include "partition/core/window.h"

int main() { return 0; }
