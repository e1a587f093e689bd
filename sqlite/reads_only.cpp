// SPDX-License-Identifier: Apache-2.0
#include "sqlite/reads_only.hpp"

#include <sqlite3.h>
#include <strings.h>

#include <cstring>

namespace sluice::sqlite {
namespace {

bool begins_with(const char* name, const char* prefix) {
  return name != nullptr && strncasecmp(name, prefix, std::strlen(prefix)) == 0;
}

// What the statement itself reads is its writer's to know, what a view reads is not.
int only_reads(void* hidden_prefix, int action, const char* first, const char* second, const char*,
               const char* view) noexcept {
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE:
    case SQLITE_TRANSACTION:
      return SQLITE_OK;
    case SQLITE_READ: {
      const bool hidden = begins_with(first, static_cast<const char*>(hidden_prefix)) ||
                          begins_with(first, "sqlite_");
      return view != nullptr && hidden ? SQLITE_DENY : SQLITE_OK;
    }
    case SQLITE_FUNCTION:
      return second != nullptr && strcasecmp(second, "load_extension") == 0 ? SQLITE_DENY
                                                                            : SQLITE_OK;
    default:
      return SQLITE_DENY;
  }
}

}  // namespace

void allow_only_reads(Database& database, const char* hidden_prefix) {
  sqlite3_set_authorizer(database.handle(), only_reads, const_cast<char*>(hidden_prefix));
}

}  // namespace sluice::sqlite
