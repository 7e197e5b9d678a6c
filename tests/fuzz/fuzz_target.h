// A fuzz target is one file: the function that libFuzzer calls, and seeds for the replay that every test run does.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

// Valid inputs from which the replay makes mutations.
std::vector<std::vector<uint8_t>> fuzz_seeds();
