// A shared library that is on no list.
extern "C" int ion_test_stranger() { return 42; }
