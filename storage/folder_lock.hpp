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

 private:
  explicit FolderLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace sluice::storage
