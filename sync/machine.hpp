// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace sluice::sync {

// Which machine this is, by what is not copied with its card: the board's serial number (device
// tree, then DMI), else the lowest MAC address of a physical network card; "unknown" if all are
// missing. At most 48 bytes. `root` is "/" outside tests.
std::string machine_identity(const std::filesystem::path& root = "/");

struct DiskSpace {
  std::uint64_t free_bytes = 0;
  std::uint64_t total_bytes = 0;
};
DiskSpace disk_space(const std::filesystem::path& folder);

}  // namespace sluice::sync
