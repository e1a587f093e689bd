// SPDX-License-Identifier: Apache-2.0
#include "cli/key_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "sync/bundle_writer.hpp"

namespace sluice::cli {

namespace {

using core::Errc;
using core::fail;
using core::Result;
namespace fs = std::filesystem;

core::Error os_error(const std::string& what, const fs::path& path) {
  return fail(Errc::kIo, what + " " + path.string() + ": " + std::strerror(errno));
}

}  // namespace

Result<core::SigningKey> load_key(const fs::path& file) {
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0) {
    if (errno == ENOENT) return fail(Errc::kNotFound, "there is no key " + file.string());
    return os_error("cannot read the key", file);
  }
  if (!S_ISREG(info.st_mode))
    return fail(Errc::kConfig, "the key " + file.string() + " is not a plain file");
  if ((info.st_mode & 077) != 0)
    return fail(Errc::kConfig, "the key " + file.string() +
                                   " can be read by others: chmod 600 it, "
                                   "and draw a new one if it ever mattered");
  std::ifstream in(file);
  std::string line;
  if (!in) return os_error("cannot read the key", file);
  if (!std::getline(in, line))
    return fail(Errc::kConfig, "the key " + file.string() +
                                   " is empty: bring it back from a copy, or remove it and let the "
                                   "other end trust the new one");
  auto key = core::SigningKey::parse(line);
  if (!key) return fail(Errc::kConfig, file.string() + ": " + key.error().message);
  return key;
}

Result<core::SigningKey> make_key(const fs::path& file) {
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  struct stat owner {};
  if (::mkdir(folder.c_str(), 0700) == 0) {
    const fs::path above = folder.has_parent_path() ? folder.parent_path() : fs::path(".");
    if (::geteuid() == 0 && ::stat(above.c_str(), &owner) == 0 &&
        ::chown(folder.c_str(), owner.st_uid, owner.st_gid) != 0)
      return os_error("cannot hand over", folder);
    SLUICE_TRY(sync::sync_directory(above));
  } else if (errno != EEXIST) {
    return os_error("cannot make the folder", folder);
  }
  if (::stat(folder.c_str(), &owner) != 0) return os_error("cannot look at", folder);
  auto key = core::SigningKey::generate();
  const std::string text = key.text() + "\n";
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return os_error("cannot make the key", file);
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       (::geteuid() != 0 || ::fchown(fd, owner.st_uid, owner.st_gid) == 0) &&
                       ::fsync(fd) == 0;
  const auto failed =
      written ? Result<void>() : Result<void>(os_error("cannot write the key", file));
  ::close(fd);
  if (!failed) {
    ::unlink(file.c_str());
    return failed.error();
  }
  SLUICE_TRY(sync::sync_directory(folder));
  return key;
}

}  // namespace sluice::cli
