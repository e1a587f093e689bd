// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "core/error.hpp"

struct sqlite3;

namespace sluice::sqlite {

// The Error for a result code that a call on `handle` just gave. For this folder only.
core::Error make_error(sqlite3* handle, int code, std::string_view file);

}  // namespace sluice::sqlite
