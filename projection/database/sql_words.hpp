// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "projection/value/place.hpp"
#include "projection/value/value.hpp"

// Names and types as the databases' SQL writes them. Pure; any thread.
namespace sluice::projection::sql {

std::string quoted(std::string_view name);
// Else std::quoted would be found for a std::string.
inline std::string quoted(const std::string& name) {
  return quoted(std::string_view(name));
}
std::string_view column_type(Type type, Dialect dialect);

}  // namespace sluice::projection::sql
