// SPDX-License-Identifier: Apache-2.0
#include "hub/verify/cell_json.hpp"

#include "core/text.hpp"

namespace sluice::hub {

core::json::value cell_json(const projection::Cell& cell, projection::Type type) {
  if (const auto* integer = std::get_if<std::int64_t>(&cell)) {
    if (type == projection::Type::kBool) return *integer != 0;
    if (type == projection::Type::kTime) return core::json::string(core::format_time(*integer));
    return *integer;
  }
  if (const auto* real = std::get_if<double>(&cell)) return *real;
  if (const auto* text = std::get_if<std::string>(&cell)) return core::json::string(*text);
  if (const auto* bytes = std::get_if<projection::Bytes>(&cell))
    return core::json::object{{"$bytes", core::to_base64(bytes->value)}};
  return nullptr;
}

}  // namespace sluice::hub
