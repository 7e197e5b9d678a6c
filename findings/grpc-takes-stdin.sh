#!/usr/bin/env bash
# A program that links Debian's libgrpc++ (1.51.1-3) and is started with stdin closed finds descriptor 0 open in main: the library makes an eventfd
# while it is loaded, and takes the lowest free number. So fcntl(0, F_GETFD) does not tell that stdin was closed, and reading from it waits
# for ever. FD_CLOEXEC tells: what a program is given by exec never has it. Without the library descriptor 0 is closed in main.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
installed=$(dpkg-query -W -f '${Version}' libgrpc++-dev 2>/dev/null) || cannot_try "Debian's libgrpc++-dev is not installed"
[ "$installed" = 1.51.1-3+b1 ] || [ "$installed" = 1.51.1-3 ] || cannot_try "libgrpc++-dev is $installed, wanted 1.51.1-3"
cat >started.cpp <<'CPP'
#ifdef WITH_GRPC
#include <grpcpp/grpcpp.h>
#endif
#include <fcntl.h>
#include <cstdio>
#include <unistd.h>
int main() {
  const int flags = fcntl(0, F_GETFD);
  char at[64] = "closed";
  if (flags >= 0) at[readlink("/proc/self/fd/0", at, sizeof at - 1)] = 0;
  std::printf("%s%s\n", at, flags >= 0 && (flags & FD_CLOEXEC) ? ", FD_CLOEXEC" : "");
#ifdef WITH_GRPC
  return grpc::Version().empty();
#endif
}
CPP
g++ -std=c++17 -o plain started.cpp >build.log 2>&1 || cannot_try "g++: $(tail -n 1 build.log)"
g++ -std=c++17 -DWITH_GRPC -o with_grpc started.cpp $(pkg-config --cflags --libs grpc++) >build.log 2>&1 || cannot_try "g++: $(tail -n 1 build.log)"
same "$(printf 'without: '; ./plain <&-; printf 'with libgrpc++: '; ./with_grpc <&-)" "without: closed
with libgrpc++: anon_inode:[eventfd], FD_CLOEXEC"
