// SPDX-License-Identifier: Apache-2.0
#include "sync/machine.hpp"

#include <sys/statvfs.h>

namespace sluice::sync {

DiskSpace disk_space(const std::filesystem::path& folder) {
  struct statvfs info {};
  if (::statvfs(folder.c_str(), &info) != 0) return {};
  return {static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize,
          static_cast<std::uint64_t>(info.f_blocks) * info.f_frsize};
}

}  // namespace sluice::sync
