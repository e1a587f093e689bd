// SPDX-License-Identifier: Apache-2.0
// For LD_PRELOAD: once the file $SLUICE_LAB_CUT_WHEN exists, the next fdatasync finds the power of
// the filesystem at $SLUICE_LAB_CUT_AT gone in its middle, and reports success all the same. ext4
// does so now and then, when it fails under a sync that is under way; here it happens each time.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

extern "C" int fdatasync(int file) {
  constexpr unsigned long kShutdown = _IOR('X', 125, std::uint32_t);
  std::uint32_t no_log_flush = 2;
  static bool is_done = false;
  const char* when = std::getenv("SLUICE_LAB_CUT_WHEN");
  const char* at = std::getenv("SLUICE_LAB_CUT_AT");
  if (!is_done && when != nullptr && at != nullptr && ::access(when, F_OK) == 0) {
    is_done = true;
    const int folder = ::open(at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ::ioctl(folder, kShutdown, &no_log_flush);
    ::close(folder);
    return 0;
  }
  using Sync = int (*)(int);
  static const auto real = reinterpret_cast<Sync>(::dlsym(RTLD_NEXT, "fdatasync"));
  return real(file);
}
