// SPDX-License-Identifier: Apache-2.0
#include "hub/api_rows.hpp"

#include <charconv>

#include "core/codec/json_data.hpp"
#include "core/text.hpp"
#include "hub/query_params.hpp"

namespace sluice::hub {
namespace {

using projection::Cell;
using projection::QueryColumn;
using projection::QueryPage;
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
    codec::append_json_text(*text, out);
  } else if (const auto* bytes = std::get_if<projection::Bytes>(&cell)) {
    out += R"({"$bytes":)";
    codec::append_json_text(core::to_base64(bytes->value), out);
    out += '}';
  } else {
    out += "null";
  }
}

// Written by hand: a page of 10,000 rows needs no tree.
std::string page_document(std::string_view model, std::string_view table, const QueryPage& page) {
  std::string out = R"({"model":)";
  codec::append_json_text(model, out);
  out += R"(,"table":)";
  codec::append_json_text(table, out);
  out += R"(,"rows":[)";
  for (std::size_t row = 0; row < page.rows.size(); ++row) {
    out += row == 0 ? "{" : ",{";
    for (std::size_t i = 0; i < page.columns.size(); ++i) {
      if (i != 0) out += ',';
      codec::append_json_text(page.columns[i].name, out);
      out += ':';
      append_cell(page.rows[row][i], page.columns[i], out);
    }
    out += '}';
  }
  out += R"(],"next":)";
  if (page.next_cursor.empty())
    out += "null";
  else
    codec::append_json_text(page.next_cursor, out);
  out += '}';
  return out;
}

constexpr std::chrono::milliseconds kQueryDeadline{10'000};

http::Response rows(const RowsApi& parts, const http::Request& request) {
  const auto version = parts.models.serving(request.parameter("model"));
  if (!version)
    return http::error_response(core::fail(core::Errc::kNotFound, "no such model", "model"));
  const auto query = parse_query_params(request.parameter("table"), request.query);
  if (!query) return http::error_response(query.error());
  const auto page = version->run(*query, kQueryDeadline);
  if (!page) return http::error_response(page.error());
  return json_response(page_document(version->name(), query->table, *page));
}

}  // namespace

void add_rows_api(Routes& routes, const RowsApi& parts) {
  routes.get("/v1/models/{model}/{table}",
             [parts](const http::Request& request) { return rows(parts, request); });
}

}  // namespace sluice::hub
