// SPDX-License-Identifier: Apache-2.0
#include "core/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace sluice::core {

void assertion_failed(const char* expression, const char* file, int line) noexcept {
  std::fprintf(stderr, "<2>assertion failed: %s at %s:%d\n", expression, file, line);
  std::abort();
}

}  // namespace sluice::core
