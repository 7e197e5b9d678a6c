// A module that looks to its right.
#pragma once
#include "partition/core/window.h"
#include "partition/private_part.h"
#include "cluster/metadata_view.h"  // FAULT
