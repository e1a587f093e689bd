// SPDX-License-Identifier: Apache-2.0
#include "sync/lock_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace sluice::sync {

core::Result<LockFile> LockFile::take(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0)
    return core::fail(core::Errc::kIo,
                      "cannot open " + path.string() + ": " + std::strerror(errno));
  LockFile lock(fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0)
    return core::fail(core::Errc::kBusy, "another sluice-uplink runs here (" + path.string() + ")");
  return lock;
}

LockFile::~LockFile() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace sluice::sync
