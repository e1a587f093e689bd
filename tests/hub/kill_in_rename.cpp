// SPDX-License-Identifier: Apache-2.0
// Preloaded into a program: once the file in KILL_IN_RENAME_WHILE is there, the rename to a path
// that ends with KILL_AFTER_RENAME is the last thing that the program does.
#include <dlfcn.h>
#include <sys/types.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>

extern "C" int rename(const char* from, const char* to) noexcept {
  using Rename = int (*)(const char*, const char*);
  static const auto real = reinterpret_cast<Rename>(::dlsym(RTLD_NEXT, "rename"));
  const int done = real(from, to);
  const char* ending = std::getenv("KILL_AFTER_RENAME");
  const char* armed = std::getenv("KILL_IN_RENAME_WHILE");
  if (ending == nullptr || armed == nullptr || ::access(armed, F_OK) != 0) return done;
  const std::size_t size = std::strlen(to);
  const std::size_t wanted = std::strlen(ending);
  if (size >= wanted && std::strcmp(to + size - wanted, ending) == 0) ::kill(::getpid(), SIGKILL);
  return done;
}
