// What a fuzz target offers: the function that libFuzzer calls, and seeds to begin with.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

// Inputs that are valid, or nearly so; replay_main mutates them.
std::vector<std::vector<uint8_t>> fuzz_seeds();
