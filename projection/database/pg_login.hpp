// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "core/result.hpp"

namespace sluice::projection {

// The connection as an operator wrote it (libpq's key=value or URI), with the password in it if
// there is one: what Place::postgres() takes. kConfig: it is written wrongly.
core::Result<std::string> postgres_login(const std::string& conninfo, const std::string& password);

}  // namespace sluice::projection
