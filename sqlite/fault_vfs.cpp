// SPDX-License-Identifier: Apache-2.0
#include "sqlite/fault_vfs.hpp"

#include <sqlite3.h>

#include "core/assert.hpp"

namespace sluice::sqlite {

using Fault = FaultVfs::Fault;
using Operation = FaultVfs::Operation;

struct FaultVfs::Vfs {
  sqlite3_vfs table{};
  sqlite3_vfs* real = nullptr;
};

namespace {

// One open file; the system's own file object follows it in the same memory.
struct File {
  sqlite3_file base;
  const FaultVfs* owner;
  const char* name;
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

File* file_of(sqlite3_file* file) {
  return reinterpret_cast<File*>(file);
}
sqlite3_file* real_of(sqlite3_file* file) {
  return file_of(file)->real();
}

template <class Do>
int perform(sqlite3_file* file, Operation operation, int io_error, Do&& act) {
  const char* name = file_of(file)->name;
  switch (file_of(file)->owner->decide(operation, name == nullptr ? "" : name)) {
    case Fault::kNone:
      return act();
    case Fault::kIoError:
      return io_error;
    case Fault::kDoneButFails:
      act();
      return io_error;
    case Fault::kDiskFull:
      return SQLITE_FULL;
  }
  return io_error;
}

int close_file(sqlite3_file* file) {
  return real_of(file)->pMethods->xClose(real_of(file));
}
int read_file(sqlite3_file* file, void* out, int size, sqlite3_int64 at) {
  return real_of(file)->pMethods->xRead(real_of(file), out, size, at);
}
int write_file(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 at) {
  return perform(file, Operation::kWrite, SQLITE_IOERR_WRITE,
                 [&] { return real_of(file)->pMethods->xWrite(real_of(file), bytes, size, at); });
}
int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  return perform(file, Operation::kTruncate, SQLITE_IOERR_TRUNCATE,
                 [&] { return real_of(file)->pMethods->xTruncate(real_of(file), size); });
}
int sync_file(sqlite3_file* file, int flags) {
  return perform(file, Operation::kSync, SQLITE_IOERR_FSYNC,
                 [&] { return real_of(file)->pMethods->xSync(real_of(file), flags); });
}
int size_file(sqlite3_file* file, sqlite3_int64* size) {
  return real_of(file)->pMethods->xFileSize(real_of(file), size);
}
int lock_file(sqlite3_file* file, int level) {
  return real_of(file)->pMethods->xLock(real_of(file), level);
}
int unlock_file(sqlite3_file* file, int level) {
  return real_of(file)->pMethods->xUnlock(real_of(file), level);
}
int reserved_file(sqlite3_file* file, int* held) {
  return real_of(file)->pMethods->xCheckReservedLock(real_of(file), held);
}
int control_file(sqlite3_file* file, int op, void* argument) {
  return real_of(file)->pMethods->xFileControl(real_of(file), op, argument);
}
int sector_file(sqlite3_file* file) {
  return real_of(file)->pMethods->xSectorSize(real_of(file));
}
int traits_file(sqlite3_file* file) {
  return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}
int shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** out) {
  return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, out);
}
int shm_lock(sqlite3_file* file, int offset, int count, int flags) {
  return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}
void shm_barrier(sqlite3_file* file) {
  real_of(file)->pMethods->xShmBarrier(real_of(file));
}
int shm_unmap(sqlite3_file* file, int remove) {
  return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

constexpr sqlite3_io_methods kMethods = {
    2,         close_file,  read_file,     write_file,   truncate_file, sync_file,   size_file,
    lock_file, unlock_file, reserved_file, control_file, sector_file,   traits_file, shm_map,
    shm_lock,  shm_barrier, shm_unmap,     nullptr,      nullptr};

const FaultVfs& owner_of(sqlite3_vfs* vfs) {
  return *static_cast<FaultVfs*>(vfs->pAppData);
}

sqlite3_vfs* real_vfs() {
  return sqlite3_vfs_find(nullptr);
}

int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* out, int flags, int* out_flags) {
  File* file = file_of(out);
  file->base.pMethods = nullptr;
  file->owner = &owner_of(vfs);
  file->name = name;  // SQLite keeps it while the file is open
  const Fault fault = file->owner->decide(Operation::kOpen, name == nullptr ? "" : name);
  if (fault == Fault::kDiskFull) return SQLITE_FULL;
  if (fault != Fault::kNone) return SQLITE_CANTOPEN;
  const int code = real_vfs()->xOpen(real_vfs(), name, file->real(), flags, out_flags);
  if (code == SQLITE_OK) file->base.pMethods = &kMethods;
  return code;
}
int delete_file(sqlite3_vfs* vfs, const char* name, int sync_folder) {
  if (owner_of(vfs).decide(Operation::kDelete, name) != Fault::kNone) return SQLITE_IOERR_DELETE;
  return real_vfs()->xDelete(real_vfs(), name, sync_folder);
}

}  // namespace

FaultVfs::FaultVfs(std::string name, Decide decide)
    : name_(std::move(name)), decide_(std::move(decide)), vfs_(std::make_unique<Vfs>()) {
  vfs_->real = real_vfs();
  vfs_->table = *vfs_->real;  // all that is not replaced below, goes to the system's own layer
  vfs_->table.pNext = nullptr;
  vfs_->table.zName = name_.c_str();
  vfs_->table.szOsFile = static_cast<int>(sizeof(File)) + vfs_->real->szOsFile;
  vfs_->table.pAppData = this;
  vfs_->table.xOpen = open_file;
  vfs_->table.xDelete = delete_file;
  SLUICE_ASSERT(sqlite3_vfs_register(&vfs_->table, 0) == SQLITE_OK);
}

FaultVfs::~FaultVfs() {
  sqlite3_vfs_unregister(&vfs_->table);
}

}  // namespace sluice::sqlite
