// SPDX-License-Identifier: Apache-2.0
#include "cli/file_text.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace sluice::cli {

core::Result<std::string> file_text(const std::filesystem::path& file) {
  // Streams of the standard library throw at a folder.
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> in(std::fopen(file.c_str(), "rb"),
                                                           &std::fclose);
  std::string text;
  char buffer[16 * 1024];
  while (in) {
    const std::size_t got = std::fread(buffer, 1, sizeof buffer, in.get());
    text.append(buffer, got);
    if (got < sizeof buffer && std::ferror(in.get()) == 0) return text;
    if (got < sizeof buffer) break;
  }
  const int why = errno;
  return core::fail(why == ENOENT ? core::Errc::kNotFound : core::Errc::kIo,
                    "cannot read " + file.string() + ": " + std::strerror(why));
}

}  // namespace sluice::cli
