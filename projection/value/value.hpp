// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "core/result.hpp"

namespace sluice::projection {

// The types of a model's columns. One value domain for every target database: int is a checked
// int64, real a finite float64, text UTF-8 without U+0000 in byte order, time nanoseconds since
// 1970 as int64, bool 0 or 1, list a JSON array as text.
enum class Type : std::uint8_t { kText, kInt, kReal, kBool, kTime, kBytes, kList };
std::string_view type_word(Type type);
core::Result<Type> parse_type(std::string_view word);

// A value on its way into a statement; text and bytes are views.
struct Value {
  enum class Kind : std::uint8_t { kAbsent, kNull, kInt, kReal, kText, kBytes };
  Kind kind = Kind::kAbsent;
  std::int64_t integer = 0;  // kInt: int, bool, time
  double real = 0;
  std::string_view text;  // kText, kBytes

  static Value null() { return {Kind::kNull, 0, 0, {}}; }
  static Value of(std::int64_t v) { return {Kind::kInt, v, 0, {}}; }
  static Value of(double v) { return {Kind::kReal, 0, v, {}}; }
  static Value of(std::string_view v) { return {Kind::kText, 0, 0, v}; }
  static Value bytes(std::string_view v) { return {Kind::kBytes, 0, 0, v}; }
  bool present() const { return kind != Kind::kAbsent; }
};

// A value that owns its bytes: defaults, query parameters, cells of an answer.
struct Bytes {
  std::string value;
  bool operator==(const Bytes&) const = default;
};
using Cell = std::variant<std::monostate, std::int64_t, double, std::string, Bytes>;
Value view_of(const Cell& cell);
Cell cell_of(const Value& value);

// "12", "1.5", "true", "2026-11-21T03:00:00Z", plain text, or base64 for bytes, as `type` asks.
// kBadRequest says what would be right.
core::Result<Cell> parse_cell(Type type, std::string_view text);

}  // namespace sluice::projection
