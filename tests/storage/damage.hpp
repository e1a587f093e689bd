// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

// Hands on the files of a log at rest.
namespace sluice::storage {

inline constexpr std::uint64_t kPageBytes = 4096;

inline void write_at(const std::filesystem::path& path, std::uint64_t offset,
                     const std::string& bytes) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(offset));
  file << bytes;
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

inline void destroy_page(const std::filesystem::path& path, std::uint64_t number) {
  write_at(path, (number - 1) * kPageBytes, std::string(kPageBytes, '\x5a'));
}

inline std::string content_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

// Every file of a folder by its name, with its content.
inline std::map<std::string, std::string> all_files(const std::filesystem::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
    files[entry.path().string()] = entry.is_regular_file() ? content_of(entry.path()) : "(folder)";
  return files;
}

}  // namespace sluice::storage
