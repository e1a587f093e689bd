// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

// Named parameters (`:name`) in a statement of the user's own. Strings, quoted names, comments,
// dollar quotes and `::` casts are left alone. Pure.
namespace sluice::projection::sql {

// In the order of their first use, each once.
std::vector<std::string> parameter_names(std::string_view text);
// `?1` to `?n` instead, numbered by the place in `names`; an unknown name stays as it is.
std::string number_parameters(std::string_view text, const std::vector<std::string>& names);

}  // namespace sluice::projection::sql
