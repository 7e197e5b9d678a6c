#include "cluster/metadata_view.h"  // FAULT
