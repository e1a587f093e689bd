// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "core/error.hpp"

namespace sluice::pg {

// What PostgreSQL's answer with this SQLSTATE means for the caller; the classes are those of
// projection/database/target.hpp. Without a SQLSTATE (libpq's own words) it is kUnavailable.
core::Errc class_of(std::string_view sqlstate);

// "the read database is full: PostgreSQL says: could not extend file ... (SQLSTATE 53100)"
core::Error make_error(std::string_view sqlstate, std::string_view message,
                       std::string_view detail = {});

}  // namespace sluice::pg
