#include <ion/result.h>

#include "base/system_clock.h"  // FAULT

int main() { return 0; }
