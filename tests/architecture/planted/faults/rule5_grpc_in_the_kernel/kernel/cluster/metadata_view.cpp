#include "cluster/metadata_view.h"

#include <grpcpp/grpcpp.h>  // FAULT
