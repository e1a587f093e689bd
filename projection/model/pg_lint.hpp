// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

// What can be told of PostgreSQL's text of an [[on]] without a server. A server tells the rest
// (engine/pg_sql_check.hpp). Pure.
namespace sluice::projection::sql {

// Why the statement must not be taken: it gives another result each time it is run, or names what
// is the engine's own. Empty: nothing is seen.
std::string pg_objection(std::string_view text);

// Names of functions that it calls, as PostgreSQL stores them; words such as `in` and `values` too.
std::vector<std::string> pg_functions(std::string_view text);

}  // namespace sluice::projection::sql
