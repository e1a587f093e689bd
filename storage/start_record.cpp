// SPDX-License-Identifier: Apache-2.0
#include "storage/start_record.hpp"

#include <fstream>
#include <string>

#include "storage/segment_file.hpp"

namespace sluice::storage {

std::uint32_t read_short_lived(const std::filesystem::path& folder) {
  std::ifstream in(folder / "starts");
  std::uint32_t count = 0;
  return in >> count ? count : 0;
}

// Not synced: after a power cut the count may be the one before, which only shortens a wait.
core::Result<void> write_short_lived(const std::filesystem::path& folder, std::uint32_t count) {
  const auto path = folder / "starts";
  const auto fresh = folder / "starts.new";
  std::error_code error;
  {
    std::ofstream out(fresh, std::ios::trunc);
    out << count << '\n';
    if (!out.flush()) return core::fail(core::Errc::kIo, "cannot write " + fresh.string());
  }
  std::filesystem::rename(fresh, path, error);
  if (error)
    return core::fail(core::Errc::kIo, "cannot rename " + fresh.string() + ": " + error.message());
  return {};
}

}  // namespace sluice::storage
