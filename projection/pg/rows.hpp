// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct pg_result;

namespace sluice::pg {

// The answer of one statement: rows and columns count from 0. Movable; views live as long as it.
class Rows {
 public:
  enum class Kind : std::uint8_t { kNull, kInt, kReal, kText, kBytes };

  Rows() = default;
  explicit Rows(pg_result* result);  // takes it over; may be null

  int rows() const { return rows_; }
  int columns() const { return columns_; }
  std::uint32_t type(int column) const;
  // Of a described statement.
  std::vector<std::uint32_t> parameter_types() const;
  std::vector<std::uint32_t> column_types() const;
  std::uint64_t changed() const;     // rows inserted, updated or deleted
  std::string_view command() const;  // "COMMIT", "INSERT 0 5"

  // Whole numbers and booleans are kInt, floats kReal; numeric is kInt if it is whole and fits,
  // else kReal; bytea is kBytes; every other type kText as the server writes it.
  Kind kind(int row, int column) const;
  bool is_null(int row, int column) const;
  std::int64_t integer(int row, int column) const;
  double real(int row, int column) const;
  std::string_view text(int row, int column) const;
  // Bytes that came as text (hex) are decoded into `scratch`.
  std::string_view bytes(int row, int column, std::string& scratch) const;

 private:
  struct Clear {
    void operator()(pg_result* result) const noexcept;
  };
  std::string_view raw(int row, int column) const;
  std::unique_ptr<pg_result, Clear> result_;
  int rows_ = 0;
  int columns_ = 0;
};

// Types that may be asked for in binary form.
bool has_binary_form(std::uint32_t type);

}  // namespace sluice::pg
