#include "cluster/metadata_view.h"

bool late(Lock& lock, Moved& moved) { return moved.wait_for(lock, 5); }  // FAULT
