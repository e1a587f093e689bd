// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "projection/value/value.hpp"

namespace sluice::projection {

// A value that a database gave: NULL if it is outside the value domain (value.hpp), as a real that
// is not finite or text that is no UTF-8 without U+0000. The engine writes no such values; SQL of
// the user's own can make them. Pure.
Cell within_domain(Cell cell);

}  // namespace sluice::projection
