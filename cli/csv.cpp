// SPDX-License-Identifier: Apache-2.0
#include "cli/csv.hpp"

#include <algorithm>
#include <set>

#include "core/codec/json_data.hpp"
#include "core/text.hpp"

namespace sluice::cli {
namespace {

using core::Errc;
using core::fail;
using core::Result;

constexpr std::uint64_t kRowBytesMax = 1u << 20;
constexpr int kEnd = std::istream::traits_type::eof();
constexpr const char* kByteOrderMark = "\xef\xbb\xbf";

bool take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text[0]) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

bool take_digits(std::string_view& text) {
  const std::size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
  text.remove_prefix(end);
  return end > 0;
}

// The grammar of RFC 8259: no leading zeros, no '+', no bare '.'.
bool is_json_number(std::string_view text) {
  take(text, "-");
  if (!take(text, "0") && !take_digits(text)) return false;
  if (take(text, ".") && !take_digits(text)) return false;
  if (take(text, "eE")) {
    take(text, "+-");
    if (!take_digits(text)) return false;
  }
  return text.empty();
}

}  // namespace

core::Error CsvReader::bad(const std::string& what) const {
  return fail(Errc::kBadRequest, "line " + std::to_string(line_) + ": " + what);
}

int CsvReader::get() {
  const int c = input_->get();
  if (c != kEnd) ++bytes_;
  return c;
}

Result<CsvReader> CsvReader::open(std::istream& input) {
  CsvReader reader(input);
  auto header = reader.read_row();
  if (!header) return header.error();
  if (!*header)
    return fail(Errc::kBadRequest, "the file is empty: the first row names the columns");
  reader.columns_ = std::move((*header)->fields);
  if (reader.columns_[0].starts_with(kByteOrderMark)) reader.columns_[0].erase(0, 3);
  std::set<std::string> seen;
  for (const std::string& column : reader.columns_) {
    if (column.empty()) return fail(Errc::kBadRequest, "line 1: a column has no name");
    if (!seen.insert(column).second)
      return fail(Errc::kBadRequest,
                  "line 1: the column '" + core::printable(column) + "' is there twice");
  }
  return reader;
}

Result<std::optional<CsvReader::Row>> CsvReader::next() {
  for (;;) {
    auto row = read_row();
    if (!row || !*row) return row;
    const std::size_t count = (*row)->fields.size();
    if (count == 1 && (*row)->fields[0].empty() && columns_.size() > 1) continue;
    if (count != columns_.size())
      return fail(Errc::kBadRequest, "line " + std::to_string((*row)->line) + ": " +
                                         std::to_string(count) + " fields, the header has " +
                                         std::to_string(columns_.size()));
    return row;
  }
}

Result<std::optional<CsvReader::Row>> CsvReader::read_row() {
  if (input_->peek() == kEnd) {
    if (input_->bad()) return fail(Errc::kIo, "the file cannot be read to its end");
    return std::optional<Row>();
  }
  Row row{line_, {}};
  row_begin_ = bytes_;
  for (bool last = false; !last;) {
    std::string field;
    const auto ended = read_field(field);
    if (!ended) return ended.error();
    if (!core::is_utf8(field)) return bad("a field is not UTF-8 text");
    row.fields.push_back(std::move(field));
    last = *ended;
  }
  return std::optional<Row>(std::move(row));
}

Result<bool> CsvReader::read_field(std::string& field) {
  if (input_->peek() == '"') {
    SLUICE_TRY(read_quoted(field));
    int c = get();
    if (c == '\r' && input_->peek() == '\n') c = get();
    if (c == '\n') ++line_;
    if (c == ',') return false;
    if (c == '\n' || c == kEnd) return true;
    return bad("there is text after a closing quote");
  }
  for (;;) {
    const int c = get();
    if (c == ',') return false;
    if (c == '\n' || c == kEnd) {
      if (field.ends_with('\r')) field.pop_back();
      if (c == '\n') ++line_;
      return true;
    }
    if (c == '"') return bad("a quote in the middle of a field that does not begin with one");
    field += static_cast<char>(c);
    if (bytes_ - row_begin_ > kRowBytesMax) return bad("the row is longer than 1 MiB");
  }
}

Result<void> CsvReader::read_quoted(std::string& field) {
  get();
  for (;;) {
    const int c = get();
    if (c == kEnd) return bad("the file ends inside a quoted field");
    if (c == '"') {
      if (input_->peek() != '"') return {};
      get();
    }
    if (c == '\n') ++line_;
    field += static_cast<char>(c);
    if (bytes_ - row_begin_ > kRowBytesMax) return bad("the row is longer than 1 MiB");
  }
}

Result<std::string> csv_field_to_json(const std::string& field, bool as_text) {
  if (!as_text && field.empty()) return std::string("null");
  if (!as_text && is_json_number(field)) {
    if (const auto data = codec::json_to_data(field); !data) return data.error();
    return field;
  }
  std::string json;
  codec::append_json_text(field, json);
  return json;
}

}  // namespace sluice::cli
