// SPDX-License-Identifier: Apache-2.0
#include "gateway/device_wear.hpp"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <fstream>
#include <string>

namespace sluice::gateway {
namespace {

constexpr std::uint64_t kSector = 512;  // of the kernel's counters, whatever the device has
// From measurements on ext4, its journal included (docs/performance.md): 20 KB more for each
// commit, and 0.83 KB for an event in batches of 100.
constexpr std::uint64_t kCommitBytes = 19'900;
constexpr std::uint64_t kEventBytes = 640;

}  // namespace

DeviceWear::DeviceWear(const std::filesystem::path& folder, const std::filesystem::path& sys) {
  struct stat info {};
  std::filesystem::path there = folder;  // or where it will be made
  while (::stat(there.c_str(), &info) != 0) {
    if (!there.has_relative_path()) return;
    there = there.parent_path();
  }
  stat_ = sys / "dev/block" /
          (std::to_string(major(info.st_dev)) + ":" + std::to_string(minor(info.st_dev))) / "stat";
  at_start_ = written();
}

// Documentation/block/stat: the seventh number is the sectors written.
std::optional<std::uint64_t> DeviceWear::written() const {
  std::ifstream in(stat_);
  std::uint64_t number = 0;
  for (int i = 0; i < 7; ++i)
    if (!(in >> number)) return std::nullopt;
  return number * kSector;
}

DeviceWear::Wear DeviceWear::since_start(std::uint64_t commits, std::uint64_t events) const {
  const auto now = at_start_ ? written() : std::nullopt;
  if (now && *now >= *at_start_) return {*now - *at_start_, true};
  return {commits * kCommitBytes + events * kEventBytes, false};
}

}  // namespace sluice::gateway
