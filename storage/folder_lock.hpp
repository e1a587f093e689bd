// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "core/result.hpp"

namespace sluice::storage {

// An exclusive flock(2) on <folder>/lock, held until destroyed: one writer per log. The kernel lets
// go of it when the process dies.
class FolderLock {
 public:
  static core::Result<FolderLock> take(const std::filesystem::path& folder);  // kBusy, kIo
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock();

  // Writes nothing, to learn whether the folder's filesystem takes writes still. To be asked after
  // a sync: ext4 was seen to report success for a sync that was under way when it failed (an I/O
  // error of its journal, a shutdown), and the synced bytes were gone. Microseconds. kIo.
  core::Result<void> check() const;

 private:
  explicit FolderLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace sluice::storage
