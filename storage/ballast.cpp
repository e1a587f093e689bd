// SPDX-License-Identifier: Apache-2.0
#include "storage/ballast.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace sluice::storage {

using core::Errc;
using core::fail;

Ballast::Ballast(std::filesystem::path file, std::uint64_t bytes)
    : file_(std::move(file)), bytes_(bytes) {
  struct stat info {};
  const bool is_there = stat(file_.c_str(), &info) == 0;
  held_ = is_there && bytes > 0 && static_cast<std::uint64_t>(info.st_size) == bytes;
  if (is_there && !held_) (void)unlink(file_.c_str());
}

core::Result<void> Ballast::take() {
  if (held_ || bytes_ == 0) return {};
  const int fd = open(file_.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0640);
  int error = fd < 0 ? errno : 0;
  // Not posix_fallocate(): where the filesystem cannot, that would write every block of it.
  if (fd >= 0 && fallocate(fd, 0, 0, static_cast<off_t>(bytes_)) != 0) error = errno;
  if (fd >= 0) (void)close(fd);
  held_ = error == 0;
  if (held_) return {};
  if (fd >= 0) (void)unlink(file_.c_str());
  const Errc code = error == ENOSPC || error == EDQUOT ? Errc::kLimit
                    : error == EOPNOTSUPP              ? Errc::kUnsupported
                                                       : Errc::kIo;
  return fail(code, "cannot set " + std::to_string(bytes_) + " bytes aside in " + file_.string() +
                        ": " + std::strerror(error));
}

void Ballast::release() {
  if (!held_) return;
  held_ = false;
  (void)unlink(file_.c_str());
}

DiskRoom disk_room(const std::filesystem::path& folder) {
  struct statvfs info {};
  if (statvfs(folder.c_str(), &info) != 0) return {};
  return {info.f_bavail * info.f_frsize, info.f_blocks * info.f_frsize};
}

bool is_read_only(const std::filesystem::path& folder) {
  struct statvfs info {};
  if (statvfs(folder.c_str(), &info) == 0 && (info.f_flag & ST_RDONLY) != 0) return true;
  // A filesystem that stopped itself after an error need not say so there.
  const auto probe = folder / ".writable";
  const int fd = open(probe.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0) return errno == EROFS;
  (void)close(fd);
  (void)unlink(probe.c_str());
  return false;
}

}  // namespace sluice::storage
