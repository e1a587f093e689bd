// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "core/result.hpp"
#include "projection/query/query.hpp"

namespace sluice::projection {

// Where a page ended, as text for a URL (A-Z a-z 0-9 - _): the values of the order's columns in the
// last row, bound to the request that gave them. A client may change it at will: it only ever
// becomes bound values.
std::string write_cursor(const QueryRequest& request, const std::vector<Cell>& values);
// kBadRequest: not a cursor, or of another request.
core::Result<std::vector<Cell>> read_cursor(const QueryRequest& request, std::size_t count);

}  // namespace sluice::projection
