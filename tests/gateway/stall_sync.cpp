// SPDX-License-Identifier: Apache-2.0
// Preloaded into a program: while the file $STALL_SYNC_WHILE exists, every sync of a file hangs, as
// it does on a card that no longer answers.
#include <dlfcn.h>
#include <poll.h>
#include <unistd.h>

#include <cstdlib>

namespace {

void stall() {
  const char* file = std::getenv("STALL_SYNC_WHILE");
  while (file != nullptr && ::access(file, F_OK) == 0) ::poll(nullptr, 0, 5);
}

using Sync = int (*)(int);

}  // namespace

extern "C" int fdatasync(int fd) {
  static const auto real = reinterpret_cast<Sync>(::dlsym(RTLD_NEXT, "fdatasync"));
  stall();
  return real(fd);
}

extern "C" int fsync(int fd) {
  static const auto real = reinterpret_cast<Sync>(::dlsym(RTLD_NEXT, "fsync"));
  stall();
  return real(fd);
}
