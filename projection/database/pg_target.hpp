// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "core/result.hpp"
#include "projection/database/target.hpp"

namespace sluice::projection {

// A schema in a PostgreSQL database (13 or later, UTF8): contract in target.hpp. What is posted is
// pipelined: a batch costs as many round trips as it has loads, and one for the commit. It must not
// go through a pooler that gives each transaction another session.
core::Result<std::unique_ptr<Target>> open_postgres(const Place& place, Access access);

}  // namespace sluice::projection
