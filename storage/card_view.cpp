// SPDX-License-Identifier: Apache-2.0
#include "storage/card_view.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <string>

#include "sqlite/database.hpp"
#include "storage/segment_file.hpp"

namespace sluice::storage {

namespace {

using core::Errc;
using core::fail;
using core::Result;
namespace fs = std::filesystem;

core::Error io_error(const std::string& what, const fs::path& path, const std::error_code& error) {
  return fail(Errc::kIo, what + " " + path.string() + ": " + error.message());
}

// The error does not tell which side it was: the standard library makes EIO of a full disk, too.
core::Error copy_error(const fs::path& from, const fs::path& to, const std::error_code& error) {
  return fail(Errc::kIo, "cannot copy " + from.string() + " into " + to.parent_path().string() +
                             ": " + error.message() +
                             "; is there room? TMPDIR names another folder");
}

// Reads the file alone, as SQLite's immutable mode does: a mark that is only in a WAL does not
// count.
bool is_sealed(const fs::path& path) {
  if (wal_bytes(path) != 0) return false;
  auto database = sqlite::Database::open(path, sqlite::OpenMode::kImmutable);
  if (!database) return false;
  const auto mark = database->query_int("SELECT count(*) FROM meta WHERE key='sealed'");
  return mark && *mark == 1;
}

Result<void> mirror(const fs::path& segment, const fs::path& to) {
  std::error_code error;
  if (is_sealed(segment)) {
    fs::create_symlink(fs::absolute(segment), to, error);
    if (error) return io_error("cannot link", to, error);
    return {};
  }
  fs::copy_file(segment, to, error);
  if (error) return copy_error(segment, to, error);
  fs::permissions(to, fs::perms::owner_read | fs::perms::owner_write, error);
  const fs::path wal = segment.string() + "-wal";
  if (!fs::exists(wal)) return {};
  fs::copy_file(wal, to.string() + "-wal", error);
  if (error) return copy_error(wal, to, error);
  fs::permissions(to.string() + "-wal", fs::perms::owner_read | fs::perms::owner_write, error);
  return {};
}

// Held while files are copied, so that no writer begins meanwhile. A card may lack the lock's file.
class SharedLock {
 public:
  explicit SharedLock(const fs::path& folder)
      : fd_(::open((folder / "lock").c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~SharedLock() {
    if (fd_ >= 0) ::close(fd_);
  }
  SharedLock(const SharedLock&) = delete;
  SharedLock& operator=(const SharedLock&) = delete;
  bool is_written() const { return fd_ >= 0 && ::flock(fd_, LOCK_SH | LOCK_NB) != 0; }

 private:
  int fd_;
};

}  // namespace

Result<CardView> CardView::open(const fs::path& log_folder) {
  const SharedLock lock(log_folder);
  if (lock.is_written())
    return fail(Errc::kBusy, "a program writes the log in " + log_folder.string() +
                                 ": while sluiced runs, name its configuration instead of its "
                                 "state folder, and be its user or root");
  auto scratch = ScratchFolder::make("card");
  if (!scratch) return scratch.error();
  CardView view{std::move(*scratch)};
  bool found = false;
  for (const core::Lane lane : core::kLanes) {
    const auto files = list_segments(lane_folder(log_folder, lane));
    if (!files && files.error().code == Errc::kNotFound) continue;
    if (!files) return files.error();
    found = found || !files->empty();
    const fs::path folder = lane_folder(view.folder(), lane);
    std::error_code error;
    fs::create_directory(folder, error);
    if (error) return io_error("cannot make", folder, error);
    for (const SegmentFile& file : *files)
      SLUICE_TRY(mirror(file.path, folder / file.path.filename()));
  }
  if (!found) return fail(Errc::kNotFound, "there is no log in " + log_folder.string());
  return view;
}

}  // namespace sluice::storage
