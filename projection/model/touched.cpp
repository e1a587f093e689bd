// SPDX-License-Identifier: Apache-2.0
#include "projection/model/touched.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "core/text.hpp"
#include "projection/model/extract.hpp"

namespace sluice::projection {
namespace {

bool names(const std::vector<std::string>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

bool takes(const Rule& rule, const core::EventView& event) {
  return names(rule.types, event.type) &&
         (rule.categories.empty() ? !event.is_reserved() : names(rule.categories, event.category));
}

// nullopt: no key is made of this.
std::optional<std::string> key_text(const Value& value, Type type) {
  if (value.kind == Value::Kind::kText) return std::string(value.text);
  if (value.kind == Value::Kind::kBytes) return core::to_base64(value.text);
  if (value.kind == Value::Kind::kReal) {
    char digits[40];
    const auto end = std::to_chars(digits, digits + sizeof digits, value.real).ptr;
    return std::string(digits, end);
  }
  if (value.kind != Value::Kind::kInt) return std::nullopt;
  if (type == Type::kTime) return core::format_time(value.integer);
  if (type == Type::kBool) return value.integer != 0 ? "true" : "false";
  return std::to_string(value.integer);
}

std::optional<TouchedRow> row_of(const Table& table, Extractor& extractor) {
  TouchedRow row{table.name, {}};
  for (const Column& column : table.key) {
    const auto value = extractor.read(column.source, column.type);
    if (!value) return std::nullopt;
    auto text = key_text(*value, column.type);
    if (!text) return std::nullopt;
    row.key.emplace_back(column.name, std::move(*text));
  }
  return row;
}

}  // namespace

std::vector<TouchedRow> touched_rows(const Model& model, const core::EventView& event,
                                     std::int64_t clock_ns) {
  std::vector<TouchedRow> out;
  Extractor extractor;
  extractor.event(event, false, clock_ns);
  for (const Table& table : model.tables()) {
    if (std::none_of(table.rules.begin(), table.rules.end(),
                     [&](const Rule& rule) { return takes(rule, event); }))
      continue;
    if (auto row = row_of(table, extractor)) out.push_back(std::move(*row));
  }
  return out;
}

}  // namespace sluice::projection
