// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace sluice::bench {

// The limit of every durable append: 4 KiB written to a file that has its room already, and one
// fdatasync.
class RawSync {
 public:
  explicit RawSync(const std::filesystem::path& file);
  RawSync(const RawSync&) = delete;
  ~RawSync();
  double write();  // seconds

 private:
  int fd_;
  int next_ = 0;
};

}  // namespace sluice::bench
