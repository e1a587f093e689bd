// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>

#include "core/clock.hpp"
#include "core/result.hpp"

namespace sluice::cli {

// How long a small write takes to reach the medium: the price of one commit.
struct DiskFigures {
  std::uint64_t syncs = 0;
  std::uint64_t p50_ns = 0;
  std::uint64_t p99_ns = 0;
  std::uint64_t max_ns = 0;
};

// Writes 8 KiB and calls fdatasync(2), again and again for `duration`, in a scratch file in
// `folder` that is removed at the end. kIo with the system's words.
core::Result<DiskFigures> probe_disk(const std::filesystem::path& folder,
                                     std::chrono::milliseconds duration, const core::Clock& clock);

}  // namespace sluice::cli
