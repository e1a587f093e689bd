// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "core/machine.hpp"

namespace sluice::sync {

using core::machine_identity;

struct DiskSpace {
  std::uint64_t free_bytes = 0;
  std::uint64_t total_bytes = 0;
};
DiskSpace disk_space(const std::filesystem::path& folder);

}  // namespace sluice::sync
