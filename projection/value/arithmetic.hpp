// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <optional>

#include "projection/value/value.hpp"

// Calculations upon values of one type, within the value domain (value.hpp). Pure.
namespace sluice::projection {

// nullopt: the sum is outside the domain. Neither is NULL.
inline std::optional<Value> sum(const Value& a, const Value& b) {
  if (a.kind == Value::Kind::kInt) {
    std::int64_t out = 0;
    if (__builtin_add_overflow(a.integer, b.integer, &out)) return std::nullopt;
    return Value::of(out);
  }
  const double out = a.real + b.real;
  if (!std::isfinite(out)) return std::nullopt;
  return Value::of(out);
}

// nullopt: the difference is outside the domain. Neither is NULL.
inline std::optional<Value> difference(const Value& a, const Value& b) {
  if (a.kind == Value::Kind::kInt) {
    std::int64_t out = 0;
    if (__builtin_sub_overflow(a.integer, b.integer, &out)) return std::nullopt;
    return Value::of(out);
  }
  const double out = a.real - b.real;
  if (!std::isfinite(out)) return std::nullopt;
  return Value::of(out);
}

// As a sum that nothing was added to, of the kind of `like`.
inline Value zero_like(const Value& like) {
  return like.kind == Value::Kind::kInt ? Value::of(std::int64_t{0}) : Value::of(0.0);
}

// Text and bytes go by their bytes.
inline bool is_less(const Value& a, const Value& b) {
  if (a.kind == Value::Kind::kInt) return a.integer < b.integer;
  if (a.kind == Value::Kind::kReal) return a.real < b.real;
  return a.text < b.text;
}

// SQLite keeps no sign of a zero, so nobody does.
inline Value without_negative_zero(Value value) {
  if (value.kind == Value::Kind::kReal) value.real += 0.0;
  return value;
}

}  // namespace sluice::projection
