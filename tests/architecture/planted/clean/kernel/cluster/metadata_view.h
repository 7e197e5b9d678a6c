// What this broker knows of the cluster.
#pragma once
#include "partition/partition.h"
