#include "cluster/metadata_view.h"

#include <openssl/ssl.h>  // FAULT
