// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <vector>

#include "projection/query/query.hpp"

// Rows as JSON, written by hand: a page of 10,000 rows needs no tree. Pure.
namespace sluice::hub {

// {"column": value, ...}: as many columns as there are cells. Times are RFC 3339 text, bytes
// {"$bytes": "<base64>"}, integers exact.
void append_row(std::span<const projection::QueryColumn> columns,
                const std::vector<projection::Cell>& cells, std::string& out);
// [row, ...]
void append_rows(std::span<const projection::QueryColumn> columns,
                 const std::vector<std::vector<projection::Cell>>& rows, std::string& out);

}  // namespace sluice::hub
