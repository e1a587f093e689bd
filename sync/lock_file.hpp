// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "core/result.hpp"

namespace sluice::sync {

// Held while the object lives, by this process alone; the kernel frees it however the process ends.
class LockFile {
 public:
  // kBusy: another process holds it. kIo: the file cannot be made.
  static core::Result<LockFile> take(const std::filesystem::path& path);
  LockFile(LockFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  LockFile& operator=(LockFile&&) = delete;
  ~LockFile();

 private:
  explicit LockFile(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace sluice::sync
