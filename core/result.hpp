// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/system/result.hpp>
#include <utility>

#include "core/error.hpp"

namespace sluice::core {

// The one channel for failures of the outside world. There is no exception for Error on purpose:
// value() does not compile, so each caller tests first and then uses *result.
template <class T = void>
using Result = boost::system::result<T, Error>;

inline Error fail(Errc code, std::string message, std::string field = {}) {
  return Error{code, std::move(message), std::move(field), 0};
}

}  // namespace sluice::core

// Returns the error of `expression` (a Result) from the current function, if it is one.
#define SLUICE_TRY(expression)                                     \
  do {                                                             \
    if (auto sluice_try_result = (expression); !sluice_try_result) \
      return std::move(sluice_try_result).error();                 \
  } while (false)
