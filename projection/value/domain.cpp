// SPDX-License-Identifier: Apache-2.0
#include "projection/value/domain.hpp"

#include <cmath>

#include "core/text.hpp"

namespace sluice::projection {

Cell within_domain(Cell cell) {
  if (const auto* real = std::get_if<double>(&cell); real != nullptr && !std::isfinite(*real))
    return std::monostate{};
  if (const auto* text = std::get_if<std::string>(&cell);
      text != nullptr && (text->find('\0') != std::string::npos || !core::is_utf8(*text)))
    return std::monostate{};
  return cell;
}

}  // namespace sluice::projection
