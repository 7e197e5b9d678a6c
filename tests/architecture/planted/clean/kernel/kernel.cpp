// The composition root may open anything of the kernel, but for what the world is made of.
#include "base/world.h"
#include "cluster/metadata_view.h"
#include "partition/core/window.h"

int main() { return 0; }
