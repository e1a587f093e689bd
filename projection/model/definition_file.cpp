// SPDX-License-Identifier: Apache-2.0
#include "projection/model/definition_file.hpp"

#include <filesystem>
#include <fstream>

namespace sluice::projection {

using core::Errc;
using core::fail;

namespace {
constexpr std::streamoff kFileBytesMax = 1 << 20;
}

core::Result<std::string> read_definition_file(const std::string& path, std::string_view what) {
  const auto unreadable = [&] {
    return fail(Errc::kConfig, "cannot read the " + std::string(what) + " " + path);
  };
  std::error_code absent;  // then opening it says so
  if (std::filesystem::exists(path, absent) && !std::filesystem::is_regular_file(path, absent))
    return fail(Errc::kConfig, path + ": not a plain file");
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  if (!in) return unreadable();
  const auto size = in.tellg();
  if (size < 0 || static_cast<std::streamoff>(size) > kFileBytesMax)
    return fail(Errc::kConfig, path + ": larger than 1 MiB or not a plain file");
  std::string text(static_cast<std::size_t>(size), '\0');
  in.seekg(0);
  if (!in.read(text.data(), size) && size != 0) return unreadable();
  return text;
}

}  // namespace sluice::projection
