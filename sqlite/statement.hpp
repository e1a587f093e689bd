// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/result.hpp"

struct sqlite3_stmt;

namespace sluice::sqlite {

// A prepared statement; must not outlive its Database. Text and bytes are bound without a copy:
// they must stay where they are until reset() or the next bind of that parameter. Parameters count
// from 1, columns from 0. Views from text() and blob() are valid until the next step() or reset().
class Statement {
 public:
  Statement() = default;
  explicit Statement(sqlite3_stmt* handle) : handle_(handle) {}

  Statement& bind(int parameter, std::int64_t value);
  Statement& bind(int parameter, double value);
  Statement& bind(int parameter, std::string_view text);
  Statement& bind(int parameter, const char* text) {
    return bind(parameter, std::string_view(text));
  }
  Statement& bind(int parameter, std::string&& text) = delete;  // would dangle
  Statement& bind_blob(int parameter, std::string_view bytes);
  Statement& bind_blob(int parameter, std::string&& bytes) = delete;
  Statement& bind_null(int parameter);

  // True: a row is there. False: done. A failed bind shows up here.
  core::Result<bool> step();
  // Steps to the end, then resets. For statements without rows.
  core::Result<void> run();
  // Ends the read transaction that a half-read statement holds. Bindings stay.
  void reset();
  // Ends it when the scope is left, whatever happened.
  struct Resetting {
    Statement& statement;
    ~Resetting() { statement.reset(); }
  };

  enum class Type { kInteger, kFloat, kText, kBlob, kNull };
  Type type(int column) const;
  bool is_null(int column) const { return type(column) == Type::kNull; }
  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string_view text(int column) const;
  std::string_view blob(int column) const;
  int columns() const;
  std::string_view column_name(int column) const;
  int parameters() const;

  explicit operator bool() const { return handle_ != nullptr; }

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* handle) const noexcept;
  };
  std::unique_ptr<sqlite3_stmt, Finalize> handle_;
  int bind_code_ = 0;
};

}  // namespace sluice::sqlite
