// SPDX-License-Identifier: Apache-2.0
#include "cli/json_field.hpp"

#include "cli/output.hpp"

namespace sluice::cli {

namespace json = core::json;

std::string text_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::uint64_t number_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr) return 0;
  if (value->is_uint64()) return value->get_uint64();
  return value->is_int64() && value->get_int64() > 0
             ? static_cast<std::uint64_t>(value->get_int64())
             : 0;
}

std::string cell_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || value->is_null()) return "-";
  if (!value->is_string()) return json_text(*value);
  return value->get_string().empty() ? "-" : std::string(value->get_string());
}

}  // namespace sluice::cli
