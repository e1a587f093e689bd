// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>

#include "core/result.hpp"

namespace sluice::storage {

// Room kept in a file beside the log. A full disk blocks not only appends but acks, checkpoints and
// trimming as well: given back then, it lets those go on. One thread.
class Ballast {
 public:
  // `bytes` 0: none is kept, and one that is there is removed.
  Ballast(std::filesystem::path file, std::uint64_t bytes);

  bool held() const { return held_; }
  std::uint64_t bytes() const { return bytes_; }
  // Allocates the file. kLimit: no room; kUnsupported: a filesystem that cannot set room aside;
  // kIo. Nothing is left of it then.
  core::Result<void> take();
  void release();

 private:
  std::filesystem::path file_;
  std::uint64_t bytes_ = 0;
  bool held_ = false;
};

// What statvfs(2) says of the folder's filesystem.
struct DiskRoom {
  std::uint64_t free = 0;   // for those who are not root
  std::uint64_t total = 0;  // 0: not known
};
DiskRoom disk_room(const std::filesystem::path& folder);

// True if no file can be made there because the filesystem is mounted, or has become, read-only.
bool is_read_only(const std::filesystem::path& folder);

}  // namespace sluice::storage
