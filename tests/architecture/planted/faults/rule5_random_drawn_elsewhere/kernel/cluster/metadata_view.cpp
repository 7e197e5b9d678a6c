#include "cluster/metadata_view.h"

unsigned drawn() { return std::random_device()(); }  // FAULT
