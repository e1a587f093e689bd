// SPDX-License-Identifier: Apache-2.0
#include "projection/database/pg_login.hpp"

#include "projection/pg/connection.hpp"

namespace sluice::projection {

core::Result<std::string> postgres_login(const std::string& conninfo, const std::string& password) {
  return pg::login(conninfo, password);
}

}  // namespace sluice::projection
