// SPDX-License-Identifier: Apache-2.0
#include "cli/json_field.hpp"

#include "cli/output.hpp"
#include "core/text.hpp"

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

std::string words_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || value->is_null()) return {};
  return value->is_string() ? std::string(value->get_string()) : json_text(*value);
}

bool flag_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

std::optional<double> real_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_number()) return std::nullopt;
  return value->to_number<double>();
}

std::optional<std::int64_t> time_at(const json::object& object, std::string_view key) {
  const auto time = core::parse_time(text_at(object, key));
  return time ? std::optional(*time) : std::nullopt;
}

const json::object* object_at(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr ? value->if_object() : nullptr;
}

std::vector<const json::object*> objects_at(const json::object& object, std::string_view key) {
  std::vector<const json::object*> out;
  const json::value* list = object.if_contains(key);
  if (list == nullptr || !list->is_array()) return out;
  for (const json::value& one : list->get_array())
    if (one.is_object()) out.push_back(&one.get_object());
  return out;
}

}  // namespace sluice::cli
