// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <vector>

#include "core/result.hpp"

namespace sluice::cli {

// Strict CSV (RFC 4180): fields parted by commas, quoted with ", a quote inside written twice; rows
// end in LF or CRLF. The first row names the columns. Refused, with the line: a quote in the middle
// of an unquoted field, text after a closing quote, an end inside quotes, a row with more or fewer
// fields than columns, text that is not UTF-8, a repeated or empty column name, a row above 1 MiB.
// Empty lines between rows are no rows. A UTF-8 byte order mark is skipped.
class CsvReader {
 public:
  struct Row {
    std::uint64_t line = 0;  // where it begins, from 1
    std::vector<std::string> fields;
  };

  // Reads the header. `input` must outlive the reader. kBadRequest.
  static core::Result<CsvReader> open(std::istream& input);

  const std::vector<std::string>& columns() const { return columns_; }
  // The next row; nullopt at the end.
  core::Result<std::optional<Row>> next();
  std::uint64_t bytes_read() const { return bytes_; }

 private:
  explicit CsvReader(std::istream& input) : input_(&input) {}
  core::Result<std::optional<Row>> read_row();
  core::Result<bool> read_field(std::string& field);  // true: the row ends with it
  core::Result<void> read_quoted(std::string& field);
  core::Error bad(const std::string& what) const;
  int get();
  std::istream* input_;
  std::vector<std::string> columns_;
  std::uint64_t line_ = 1;
  std::uint64_t bytes_ = 0;
  std::uint64_t row_begin_ = 0;
};

// A field as JSON: a number if it is written as a JSON number, null if empty, text otherwise.
// kBadRequest: an integer beyond 64 bits (`as_text` keeps it).
core::Result<std::string> csv_field_to_json(const std::string& field, bool as_text);

}  // namespace sluice::cli
