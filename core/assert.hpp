// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace sluice::core {
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line) noexcept;
}

// Always on. For bugs only, never for input from outside: the process says where and aborts, and
// its supervisor starts it again from what is on disk.
#define SLUICE_ASSERT(expression) \
  (static_cast<bool>(expression)  \
       ? static_cast<void>(0)     \
       : ::sluice::core::assertion_failed(#expression, __FILE__, __LINE__))
