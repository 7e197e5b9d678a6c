// What `ionstreamd --probe` does, without the rest of ionstreamd.
#include "host/plugin_probe.h"

int main(int argc, char** argv) { return ion::host::probe_main(argc, argv); }
