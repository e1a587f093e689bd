// SPDX-License-Identifier: Apache-2.0
#include "projection/model/words.hpp"

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

std::string operand_text(const Operation& operation) {
  if (operation.op != Operator::kAppend) return source_text(operation.source);
  std::string out;
  for (const Source& item : operation.items) out += (out.empty() ? "" : ", ") + source_text(item);
  return out;
}

std::string lookup_text(const Table& of, const Lookup& lookup) {
  std::string out = "lookup " + of.name + "." +
                    (lookup.in_key ? of.key[lookup.column] : of.columns[lookup.column]).name + " (";
  for (std::size_t i = 0; i < lookup.key.size(); ++i)
    out += (i == 0 ? "" : ", ") + source_text(lookup.key[i]);
  switch (lookup.missing) {
    case Lookup::Missing::kSkip:
      return out + ") or skip";
    case Lookup::Missing::kPark:
      return out + ") or park";
    case Lookup::Missing::kNull:
      return out + ") or nil";
    case Lookup::Missing::kValue:
      break;
  }
  return out + ") or " + constant_text(lookup.value);
}

std::string window_text(const Table& table) {
  const Window& window = *table.window;
  std::string out = "window of " + source_text(window.of) + " size " +
                    std::to_string(window.size_ns / 1'000'000'000) + " s";
  if (!window.late_ns) return out;
  out += " late " + std::to_string(*window.late_ns / 1'000'000'000) + " s beyond ";
  if (window.beyond == Window::Beyond::kPark) return out + "park";
  if (window.beyond == Window::Beyond::kIgnore) return out + "ignore";
  return out + "count " + table.columns[window.column].name;
}

std::string condition_text(const Table* table, const Condition& condition) {
  using Kind = Condition::Kind;
  const auto parts = [&](const char* between) {
    std::string out;
    for (const Condition& part : condition.parts)
      out += (out.empty() ? "" : between) + condition_text(table, part);
    return condition.parts.size() == 1 ? out : "(" + out + ")";
  };
  static constexpr std::array<std::string_view, 6> kSigns = {" = ",  " <> ", " < ",
                                                             " <= ", " > ",  " >= "};
  std::string about = condition.column ? "row." + table->columns[*condition.column].name
                                       : source_text(condition.source);
  if (condition.type && condition.source.kind == Source::Kind::kField && !condition.column)
    about += " as " + std::string(type_word(*condition.type));
  std::string values;
  for (const Source& value : condition.values)
    values += (values.empty() ? "" : ", ") + source_text(value);
  switch (condition.kind) {
    case Kind::kAll:
      return parts(" and ");
    case Kind::kAny:
      return parts(" or ");
    case Kind::kNot:
      return "not " + parts("");
    case Kind::kExists:
      return about + " exists";
    case Kind::kIn:
      return about + " in [" + values + "]";
    case Kind::kCompare:
      break;
  }
  return about + std::string(kSigns[static_cast<std::size_t>(condition.compare)]) + values;
}

std::string operation_words(const Column& column, const Operation& operation) {
  const std::string value = operand_text(operation);
  switch (operation.op) {
    case Operator::kSet:
      return column.name + " = " + value;
    case Operator::kInc:
      return column.name + " + " + value;
    case Operator::kDec:
      return column.name + " - " + value;
    case Operator::kCount:
      return column.name + " + 1" +
             (operation.source.kind == Source::Kind::kConstant ? "" : " if " + value + " is there");
    case Operator::kMin:
      return column.name + " = the least of itself and " + value;
    case Operator::kMax:
      return column.name + " = the greatest of itself and " + value;
    case Operator::kLatest:
      return column.name + " = " + value + " of the event with the greatest $time";
    case Operator::kAppend:
      return column.name + " and " + value + ", the newest " + std::to_string(column.limit) +
             " by $time";
  }
  return column.name;
}

}  // namespace sluice::projection
