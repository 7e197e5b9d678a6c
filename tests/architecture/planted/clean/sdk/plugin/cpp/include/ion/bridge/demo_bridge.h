// Both directions of a contract.
#pragma once
#include <ion/result.h>
