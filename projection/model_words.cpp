// SPDX-License-Identifier: Apache-2.0
#include "projection/model_words.hpp"

#include <array>
#include <charconv>

#include "core/text.hpp"

namespace sluice::projection {

std::string constant_text(const Cell& cell) {
  if (const auto* v = std::get_if<std::int64_t>(&cell)) return std::to_string(*v);
  if (const auto* v = std::get_if<double>(&cell)) {
    std::array<char, 40> text{};
    return {text.data(), std::to_chars(text.data(), text.data() + text.size(), *v).ptr};
  }
  if (const auto* v = std::get_if<std::string>(&cell)) return "\"" + *v + "\"";
  if (const auto* v = std::get_if<Bytes>(&cell)) return "x" + core::to_hex(v->value);
  return "nil";
}

std::string source_text(const Source& source) {
  return source.kind == Source::Kind::kConstant ? constant_text(source.constant) : source.text;
}

std::string operation_words(const std::string& column, const Operation& operation) {
  const std::string value = source_text(operation.source);
  switch (operation.op) {
    case Operator::kSet:
      return column + " = " + value;
    case Operator::kInc:
      return column + " + " + value;
    case Operator::kMin:
      return column + " = the least of itself and " + value;
    case Operator::kMax:
      return column + " = the greatest of itself and " + value;
    case Operator::kLatest:
      return column + " = " + value + " of the event with the greatest $time";
  }
  return column;
}

}  // namespace sluice::projection
