#!/usr/bin/env bash
# Boost.program_options 1.74 (Debian bookworm): `--name=` is refused as if its argument were missing, although `--name ''` gives the same empty text;
# an unsigned option takes -1 and makes 4294967295 of it, while 4294967296 is refused; an empty text for a bool is true.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
version=1.74.0+ds1-21
for package in libboost1.74-dev libboost-program-options1.74.0 libboost-program-options1.74-dev; do
  apt-get download "$package=$version" >apt.log 2>&1 || cannot_try "apt-get download $package=$version (try apt-get update)"
done
for file in *.deb; do dpkg -x "$file" root; done
cat >options.cpp <<'CPP'
#include <boost/program_options.hpp>
#include <iostream>
namespace po = boost::program_options;
int main(int argc, char** argv) {
  po::options_description known;
  known.add_options()("text", po::value<std::string>(), "")("count", po::value<unsigned>(), "")("flag", po::value<bool>(), "");
  try {
    po::variables_map given;
    po::store(po::parse_command_line(argc, argv, known), given);
    if (given.count("text")) std::cout << "text [" << given["text"].as<std::string>() << "]\n";
    if (given.count("count")) std::cout << "count " << given["count"].as<unsigned>() << "\n";
    if (given.count("flag")) std::cout << "flag " << given["flag"].as<bool>() << "\n";
  } catch (const std::exception& error) {
    std::cout << "refused: " << error.what() << "\n";
  }
}
CPP
g++ -isystem root/usr/include -o options options.cpp root/usr/lib/x86_64-linux-gnu/libboost_program_options.a >build.log 2>&1 || cannot_try "g++: $(tail -n 1 build.log)"
seen=$(for words in "--text=" "--count=-1" "--count=4294967296"; do printf '%s: ' "$words"; ./options "$words"; done
  printf -- "--text '': "; ./options --text ''
  printf -- "--flag '': "; ./options --flag '')
same "$seen" "--text=: refused: the argument for option '--text' should follow immediately after the equal sign
--count=-1: count 4294967295
--count=4294967296: refused: the argument ('4294967296') for option '--count' is invalid
--text '': text []
--flag '': flag 1"
