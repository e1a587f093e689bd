// SPDX-License-Identifier: Apache-2.0
#include "sqlite/error.hpp"

#include <sqlite3.h>

#include <string>

namespace sluice::sqlite {
namespace {

using core::Errc;

Errc class_of(int code) {
  switch (code & 0xff) {
    case SQLITE_FULL:
      return Errc::kLimit;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Errc::kCorrupt;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Errc::kBusy;
    case SQLITE_TOOBIG:
      return Errc::kTooLarge;
    default:
      return Errc::kIo;
  }
}

}  // namespace

core::Error make_error(sqlite3* handle, int code, std::string_view file) {
  core::Error error;
  error.code = class_of(code);
  error.message = file;
  error.message += ": ";
  error.message += handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(code);
  error.message += " (SQLite " + std::to_string(code) + ")";
  return error;
}

}  // namespace sluice::sqlite
