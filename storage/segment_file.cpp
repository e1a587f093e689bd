// SPDX-License-Identifier: Apache-2.0
#include "storage/segment_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace sluice::storage {
namespace {

using core::Errc;
using core::fail;
using core::Result;
namespace fs = std::filesystem;

constexpr std::size_t kSeqDigits = 20;
constexpr std::size_t kHexDigits = 8;
constexpr std::uint64_t kPageBytes = 4096;
constexpr std::string_view kSuffix = ".seg";

core::Error os_error(const std::string& what, const fs::path& path, int error) {
  return fail(Errc::kIo, what + " " + path.string() + ": " + std::strerror(error));
}

bool parse_name(std::string_view name, core::Seq& first) {
  if (name.size() != kSeqDigits + 1 + kHexDigits + kSuffix.size() || !name.ends_with(kSuffix) ||
      name[kSeqDigits] != '-')
    return false;
  const auto [end, error] = std::from_chars(name.data(), name.data() + kSeqDigits, first);
  return error == std::errc{} && end == name.data() + kSeqDigits && first > 0;
}

std::uint64_t file_bytes(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
}

}  // namespace

std::string segment_name(core::Seq first, core::Random& random) {
  char name[64];
  std::snprintf(name, sizeof name, "%020llu-%08x.seg", static_cast<unsigned long long>(first),
                static_cast<unsigned>(random.next() & 0xffffffffu));
  return name;
}

fs::path lane_folder(const fs::path& folder, core::Lane lane) {
  return folder / core::lane_name(lane);
}

Result<std::vector<SegmentFile>> list_segments(const fs::path& lane_folder) {
  std::error_code error;
  fs::directory_iterator entries(lane_folder, error);
  if (error == std::errc::no_such_file_or_directory || error == std::errc::not_a_directory)
    return fail(Errc::kNotFound, "there is no log in " + lane_folder.string());
  std::vector<SegmentFile> found;
  while (!error && entries != fs::directory_iterator()) {
    core::Seq first = 0;
    if (parse_name(entries->path().filename().string(), first))
      found.push_back({first, entries->path()});
    entries.increment(error);
  }
  if (error) return fail(Errc::kIo, "cannot list " + lane_folder.string() + ": " + error.message());
  std::sort(found.begin(), found.end(), [](const SegmentFile& a, const SegmentFile& b) {
    return a.first != b.first ? a.first < b.first : a.path < b.path;
  });
  return found;
}

Result<void> sync_folder(const fs::path& folder) {
  // The parent of a relative name of one part is empty.
  const int fd = open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return os_error("cannot open the folder", folder, errno);
  const int failed = fsync(fd) == 0 ? 0 : errno;
  close(fd);
  // Some filesystems cannot sync a folder at all, and say so with EINVAL.
  if (failed != 0 && failed != EINVAL) return os_error("cannot sync the folder", folder, failed);
  return {};
}

Result<void> make_folder(const fs::path& folder) {
  if (mkdir(folder.c_str(), 0750) != 0 && errno != EEXIST)
    return os_error("cannot create the folder", folder, errno);
  // Also if it is there: who made it may have died, or failed, before this.
  return sync_folder(folder.parent_path());
}

Result<void> remove_segment(const fs::path& path) {
  // The database goes last: while it is there, a boot can tell what the other two belong to.
  for (const char* suffix : {"-wal", "-shm", ""}) {
    const std::string name = path.string() + suffix;
    if (unlink(name.c_str()) != 0 && errno != ENOENT) return os_error("cannot remove", name, errno);
  }
  return sync_folder(path.parent_path());
}

bool never_committed(const fs::path& path) {
  return file_bytes(path.string()) <= kPageBytes && wal_bytes(path) == 0;
}

std::uint64_t wal_bytes(const fs::path& path) {
  return file_bytes(path.string() + "-wal");
}
std::uint64_t segment_bytes(const fs::path& path) {
  return file_bytes(path.string()) + wal_bytes(path);
}

}  // namespace sluice::storage
