// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "core/result.hpp"

namespace sluice::hub {

// The reason that an operator gives for a deed: it goes into audit tables and events, where U+0000
// has no place. kBadRequest, field "reason".
core::Result<void> check_reason(std::string_view reason);

// For a deed that takes no words: nothing, or {}. kBadRequest.
core::Result<void> check_no_words(std::string_view body);

}  // namespace sluice::hub
