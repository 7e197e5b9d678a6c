#include "cluster/metadata_view.h"

void* load(const char* path) { return dlopen(path, 1); }  // FAULT
