#include <ion/result.h>

#include <iostream>

int main() { std::cout << "ion\n"; }
