// SPDX-License-Identifier: Apache-2.0
#include "hub/api/row_json.hpp"

#include <charconv>

#include "core/codec/json_data.hpp"
#include "core/text.hpp"

namespace sluice::hub {
namespace {

using projection::Cell;
using projection::QueryColumn;
using projection::Type;

void append_real(double value, std::string& out) {
  char text[32];
  const auto [end, error] = std::to_chars(text, text + sizeof text, value);
  const std::string_view digits(text, static_cast<std::size_t>(end - text));
  out += digits;
  // A real stays one for readers that tell 1 from 1.0.
  if (digits.find_first_of(".e") == std::string_view::npos) out += ".0";
}

void append_cell(const Cell& cell, const QueryColumn& column, std::string& out) {
  if (const auto* integer = std::get_if<std::int64_t>(&cell)) {
    if (column.type == Type::kBool)
      out += *integer != 0 ? "true" : "false";
    else if (column.type == Type::kTime)
      codec::append_json_text(core::format_time(*integer), out);
    else
      out += std::to_string(*integer);
  } else if (const auto* real = std::get_if<double>(&cell)) {
    append_real(*real, out);
  } else if (const auto* text = std::get_if<std::string>(&cell)) {
    if (column.type == Type::kList)
      out += *text;  // the engine's own JSON
    else
      codec::append_json_text(*text, out);
  } else if (const auto* bytes = std::get_if<projection::Bytes>(&cell)) {
    out += R"({"$bytes":)";
    codec::append_json_text(core::to_base64(bytes->value), out);
    out += '}';
  } else {
    out += "null";
  }
}

}  // namespace

void append_row(std::span<const QueryColumn> columns, const std::vector<Cell>& cells,
                std::string& out) {
  out += '{';
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i != 0) out += ',';
    codec::append_json_text(columns[i].name, out);
    out += ':';
    append_cell(cells[i], columns[i], out);
  }
  out += '}';
}

void append_rows(std::span<const QueryColumn> columns, const std::vector<std::vector<Cell>>& rows,
                 std::string& out) {
  out += '[';
  for (const std::vector<Cell>& row : rows) {
    if (&row != &rows.front()) out += ',';
    append_row(columns, row, out);
  }
  out += ']';
}

}  // namespace sluice::hub
