// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace sluice::storage {

enum class Fitness { kFit, kDoubtful, kUnfit };
struct FilesystemVerdict {
  Fitness fitness = Fitness::kFit;
  std::string_view why;  // empty if fit
};

// By the magic number of statfs(2). Unfit: network filesystems, on which SQLite's WAL, which needs
// memory shared between processes, does not work. Doubtful: those without a journal, which a power
// cut can damage as a whole, and those that forget all. Pure.
FilesystemVerdict judge_filesystem(std::uint64_t magic);
std::uint64_t filesystem_magic(const std::filesystem::path& folder);  // 0 if unknown

}  // namespace sluice::storage
