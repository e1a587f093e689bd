// SPDX-License-Identifier: Apache-2.0
#include "storage/scratch_folder.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace sluice::storage {

namespace fs = std::filesystem;

core::Result<ScratchFolder> ScratchFolder::make(const std::string& purpose) {
  std::error_code error;
  const fs::path base = fs::temp_directory_path(error);
  std::string name = (error ? fs::path("/tmp") : base) / ("sluice-" + purpose + "-XXXXXX");
  if (::mkdtemp(name.data()) == nullptr)
    return core::fail(core::Errc::kIo, "cannot make a scratch folder " + name + ": " +
                                           std::strerror(errno) + "; set TMPDIR to another place");
  return ScratchFolder(name);
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

}  // namespace sluice::storage
