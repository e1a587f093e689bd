// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <utility>

#include "core/result.hpp"

namespace sluice::storage {

// A folder of its own in $TMPDIR, which goes with the object: what a log's files are copied to when
// they must not be touched.
class ScratchFolder {
 public:
  // <TMPDIR>/sluice-<purpose>-XXXXXX. kIo: it cannot be made there.
  static core::Result<ScratchFolder> make(const std::string& purpose);
  ScratchFolder(ScratchFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  ScratchFolder& operator=(ScratchFolder&&) = delete;
  ~ScratchFolder();

  const std::filesystem::path& path() const { return path_; }

 private:
  explicit ScratchFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace sluice::storage
