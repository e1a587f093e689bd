// SPDX-License-Identifier: Apache-2.0
#include "sqlite/careful_vfs.hpp"

#include <sqlite3.h>

#include <array>
#include <mutex>

namespace sluice::sqlite {
namespace {

// The methods of an open file with another xSync. SQLite sees the first member only.
struct Careful {
  sqlite3_io_methods methods;
  const sqlite3_io_methods* own;
};

int careful_sync(sqlite3_file* file, int flags) {
  const auto* own = reinterpret_cast<const Careful*>(file->pMethods)->own;
  const int code = own->xSync(file, flags);
  if (code != SQLITE_OK) return code;
  return own->xWrite(file, "", 0, 0) == SQLITE_OK ? SQLITE_OK : SQLITE_IOERR_FSYNC;
}

// SQLite has a handful of method tables, all static; each gets its careful twin once.
const sqlite3_io_methods* careful_twin(const sqlite3_io_methods* own) {
  static std::mutex mutex;
  static std::array<Careful, 8> twins{};
  static std::size_t count = 0;
  const std::lock_guard lock(mutex);
  for (std::size_t i = 0; i < count; ++i)
    if (twins[i].own == own) return &twins[i].methods;
  if (count == twins.size()) return own;
  Careful& twin = twins[count++];
  twin.methods = *own;
  twin.methods.xSync = careful_sync;
  twin.own = own;
  return &twin.methods;
}

int careful_open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* given) {
  auto* own = static_cast<sqlite3_vfs*>(vfs->pAppData);
  const int code = own->xOpen(own, name, file, flags, given);
  if (code == SQLITE_OK && file->pMethods != nullptr) file->pMethods = careful_twin(file->pMethods);
  return code;
}

// SQLite's file layer keeps data of its own in pAppData, so that the calls that need it are handed
// its own object.
int no_time(sqlite3_vfs*, double*) {
  return SQLITE_ERROR;
}
int no_time_int64(sqlite3_vfs*, sqlite3_int64*) {
  return SQLITE_ERROR;
}

const char* register_vfs(sqlite3_vfs& vfs, const char* name, bool has_clock) {
  sqlite3_vfs* own = sqlite3_vfs_find(nullptr);
  if (own == nullptr || own->xOpen == nullptr) return nullptr;
  vfs = *own;
  vfs.zName = name;
  vfs.pNext = nullptr;
  vfs.pAppData = own;
  vfs.xOpen = careful_open;
  if (!has_clock) {
    vfs.xCurrentTime = no_time;
    vfs.xCurrentTimeInt64 = no_time_int64;
  }
  return sqlite3_vfs_register(&vfs, 0) == SQLITE_OK ? vfs.zName : nullptr;
}

}  // namespace

const char* careful_vfs() {
  static sqlite3_vfs vfs;
  static const char* const name = register_vfs(vfs, "careful", true);
  return name;
}

const char* timeless_vfs() {
  static sqlite3_vfs vfs;
  static const char* const name = register_vfs(vfs, "careful-timeless", false);
  return name;
}

}  // namespace sluice::sqlite
