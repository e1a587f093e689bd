// SPDX-License-Identifier: Apache-2.0
#include "hub/versions/durable_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace sluice::hub {

namespace fs = std::filesystem;
using core::Errc;
using core::Result;

core::Error os_error(const std::string& what, const fs::path& path, int number) {
  return core::fail(Errc::kIo, what + " " + path.string() + ": " + std::strerror(number));
}

Result<void> sync(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return {};
  if (fd < 0) return os_error("cannot open", path, errno);
  const int failed = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  // Some filesystems cannot sync a folder at all, and say so with EINVAL.
  if (failed != 0 && failed != EINVAL) return os_error("cannot sync", path, failed);
  return {};
}

Result<void> replace(const fs::path& path,
                     const std::function<Result<void>(const fs::path& fresh)>& make) {
  fs::path fresh = path;
  fresh += ".new";
  if (::unlink(fresh.c_str()) != 0 && errno != ENOENT)
    return os_error("cannot remove", fresh, errno);
  SLUICE_TRY(make(fresh));
  if (::rename(fresh.c_str(), path.c_str()) != 0) return os_error("cannot write", path, errno);
  return sync(path.parent_path());
}

Result<void> write_file(const fs::path& path, std::string_view text) {
  return replace(path, [&](const fs::path& fresh) -> Result<void> {
    std::ofstream out(fresh, std::ios::binary);
    out << text;
    out.close();
    if (!out) return os_error("cannot write", fresh, errno);
    return sync(fresh);
  });
}

}  // namespace sluice::hub
