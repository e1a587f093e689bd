// SPDX-License-Identifier: Apache-2.0
#include "projection/value/value.hpp"

#include <array>
#include <charconv>
#include <cmath>

#include "core/text.hpp"

namespace sluice::projection {
namespace {

using core::Errc;
using core::fail;
using core::Result;

constexpr std::array<std::string_view, 7> kWords = {"text", "int",   "real", "bool",
                                                    "time", "bytes", "list"};

template <class T>
bool parse_whole(std::string_view text, T& out) {
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, out);
  return error == std::errc{} && at == end;
}

}  // namespace

std::string_view type_word(Type type) {
  return kWords[static_cast<std::size_t>(type)];
}

Result<Type> parse_type(std::string_view word) {
  for (std::size_t i = 0; i < kWords.size(); ++i)
    if (kWords[i] == word) return static_cast<Type>(i);
  return fail(Errc::kBadRequest, "must be text, int, real, bool, time, bytes or list");
}

Value view_of(const Cell& cell) {
  if (const auto* v = std::get_if<std::int64_t>(&cell)) return Value::of(*v);
  if (const auto* v = std::get_if<double>(&cell)) return Value::of(*v);
  if (const auto* v = std::get_if<std::string>(&cell)) return Value::of(std::string_view(*v));
  if (const auto* v = std::get_if<Bytes>(&cell)) return Value::bytes(v->value);
  return Value::null();
}

Cell cell_of(const Value& value) {
  switch (value.kind) {
    case Value::Kind::kInt:
      return value.integer;
    case Value::Kind::kReal:
      return value.real;
    case Value::Kind::kText:
      return std::string(value.text);
    case Value::Kind::kBytes:
      return Bytes{std::string(value.text)};
    default:
      return std::monostate{};
  }
}

Result<Cell> parse_cell(Type type, std::string_view text) {
  const auto bad = [&](const char* what) {
    return fail(Errc::kBadRequest, "'" + core::printable(text) + "' is not " + what);
  };
  switch (type) {
    case Type::kText:
    case Type::kList:
      if (!core::is_utf8(text) || text.find('\0') != std::string_view::npos)
        return bad("UTF-8 text without U+0000");
      return Cell(std::string(text));
    case Type::kInt: {
      std::int64_t v = 0;
      if (!parse_whole(text, v)) return bad("a whole number of 64 bits");
      return Cell(v);
    }
    case Type::kReal: {
      double v = 0;
      if (!parse_whole(text, v) || !std::isfinite(v)) return bad("a finite number");
      return Cell(v);
    }
    case Type::kBool:
      if (text == "true" || text == "1") return Cell(std::int64_t{1});
      if (text == "false" || text == "0") return Cell(std::int64_t{0});
      return bad("true or false");
    case Type::kTime: {
      const auto v = core::parse_time(text);
      if (!v) return bad("a time such as 2026-11-21T03:00:00Z");
      return Cell(*v);
    }
    case Type::kBytes: {
      auto v = core::from_base64(text);
      if (!v) return bad("base64");
      return Cell(Bytes{std::move(*v)});
    }
  }
  return bad("a value");
}

}  // namespace sluice::projection
