#include "cluster/metadata_view.h"

int look(const char* path) { return ::open(path, 0); }  // FAULT
