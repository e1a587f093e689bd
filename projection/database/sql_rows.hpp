// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "projection/database/target.hpp"

// The SQL by which rows come and go as wholes. Parameters are the shape's columns in their order;
// both databases read the same text. Pure; any thread.
namespace sluice::projection::sql {

std::string load(const TableShape& shape);   // the columns behind the key; ?1.. are the key
std::string store(const TableShape& shape);  // inserts or overwrites
std::string erase(const TableShape& shape);

}  // namespace sluice::projection::sql
