// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
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

// A mount as /proc/self/mountinfo tells it. Options: those of the mount and of its filesystem,
// comma-separated.
struct Mount {
  std::string type;
  std::string options;
};
// By how it is mounted. Doubtful: without barriers a flush does not reach the card, so that a power
// cut takes what was acknowledged; with data=writeback ext4 may show old bytes in files that grew.
// Pure.
FilesystemVerdict judge_mount(const Mount& mount);
// The line of `mountinfo` for device `major:minor`, the last one if there are several (mounts lie
// over each other); empty if there is none. Pure.
Mount find_mount(std::string_view mountinfo, unsigned device_major, unsigned device_minor);

// Both questions about a folder that exists; the worse answer counts.
FilesystemVerdict judge_folder(const std::filesystem::path& folder);

}  // namespace sluice::storage
