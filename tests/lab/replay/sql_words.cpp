// SPDX-License-Identifier: Apache-2.0
#include "tests/lab/replay/sql_words.hpp"

#include <dlfcn.h>
#include <sqlite3.h>

#include <mutex>
#include <optional>
#include <string_view>

namespace sluice::lab {
namespace {

struct Swap {
  std::string set_asked;
  std::string set_given;
  std::string read;
  std::string read_instead;
};
std::mutex mutex;
std::optional<Swap> swap;

std::string heard(std::string_view sql) {
  const std::lock_guard lock(mutex);
  std::string text(sql);
  if (!swap) return text;
  if (text == swap->read) return swap->read_instead;
  if (const auto at = text.find(swap->set_asked); at != std::string::npos)
    text.replace(at, swap->set_asked.size(), swap->set_given);
  return text;
}

}  // namespace

OtherPragma::OtherPragma(std::string name, std::string asked, std::string given,
                         std::string read_back) {
  const std::lock_guard lock(mutex);
  swap = Swap{"PRAGMA " + name + "=" + asked, "PRAGMA " + name + "=" + given, "PRAGMA " + name,
              "SELECT '" + read_back + "'"};
}

OtherPragma::~OtherPragma() {
  const std::lock_guard lock(mutex);
  swap.reset();
}

void seed_sqlite(std::uint64_t seed) {
  sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, static_cast<int>(seed * 2 + 1) & 0x7fffffff,
                       nullptr);
}

}  // namespace sluice::lab

extern "C" {

int sqlite3_exec(sqlite3* handle, const char* sql, int (*callback)(void*, int, char**, char**),
                 void* argument, char** error) {
  static const auto next =
      reinterpret_cast<decltype(&sqlite3_exec)>(dlsym(RTLD_NEXT, "sqlite3_exec"));
  // SQLite itself calls this, after a failed allocation with nothing.
  if (sql == nullptr) return next(handle, sql, callback, argument, error);
  return next(handle, sluice::lab::heard(sql).c_str(), callback, argument, error);
}

int sqlite3_prepare_v3(sqlite3* handle, const char* sql, int bytes, unsigned flags,
                       sqlite3_stmt** statement, const char** tail) {
  static const auto next =
      reinterpret_cast<decltype(&sqlite3_prepare_v3)>(dlsym(RTLD_NEXT, "sqlite3_prepare_v3"));
  const std::string_view given =
      bytes < 0 ? std::string_view(sql) : std::string_view(sql, static_cast<std::size_t>(bytes));
  const std::string text = sluice::lab::heard(given);
  if (text == given) return next(handle, sql, bytes, flags, statement, tail);
  const int code = next(handle, text.c_str(), -1, flags, statement, nullptr);
  if (tail != nullptr) *tail = sql + given.size();
  return code;
}

}  // extern "C"
