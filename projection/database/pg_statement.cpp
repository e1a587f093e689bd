// SPDX-License-Identifier: Apache-2.0
#include "projection/database/pg_statement.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace sluice::projection {

using core::Errc;
using core::fail;
using core::Result;

namespace {

template <class T>
std::string text_of(T number) {
  std::array<char, 40> buffer;
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number);
  return {buffer.data(), end};
}

template <class T>
bool fits(std::int64_t v) {
  return v >= std::numeric_limits<T>::min() && v <= std::numeric_limits<T>::max();
}

}  // namespace

PgStatement::~PgStatement() {
  if (!name_.empty()) session_.forget_statement(generation_, std::move(name_));
}

Result<void> PgStatement::prepare() {
  SLUICE_TRY(session_.ensure());
  if (generation_ == session_.generation()) return {};
  std::string name = session_.new_name();
  auto types = session_.connection().prepare(name, sql_, session_.answers_by());
  if (!types) return types.error();
  types_ = std::move(*types);
  name_ = std::move(name);
  generation_ = session_.generation();
  binary_ = std::all_of(types_.columns.begin(), types_.columns.end(), pg::has_binary_form);
  scratch_.resize(types_.columns.size());
  return {};
}

Statement& PgStatement::set(int parameter, const Value& value) {
  const auto index = static_cast<std::size_t>(parameter - 1);
  if (values_.size() <= index) values_.resize(index + 1, Value::null());
  values_[index] = value;
  return *this;
}

Result<void> PgStatement::encode(std::size_t parameter, const Value& value) {
  const std::uint32_t type = types_.parameters[parameter];
  const auto wrong = [&](const char* what) {
    return fail(Errc::kBadRequest, "parameter " + std::to_string(parameter + 1) + " is " + what);
  };
  switch (value.kind) {
    case Value::Kind::kAbsent:
    case Value::Kind::kNull:
      parameters_.add_null();
      return {};
    case Value::Kind::kInt:
      if (type == pg::kInt8) {
        parameters_.add_int8(value.integer);
      } else if (type == pg::kBool) {
        parameters_.add_bool(value.integer != 0);
      } else if (type == pg::kFloat8) {
        parameters_.add_float8(static_cast<double>(value.integer));
      } else if (type == pg::kInt4) {
        if (!fits<std::int32_t>(value.integer)) return wrong("too large for an integer of 32 bits");
        parameters_.add_int4(static_cast<std::int32_t>(value.integer));
      } else if (type == pg::kInt2) {
        if (!fits<std::int16_t>(value.integer)) return wrong("too large for an integer of 16 bits");
        parameters_.add_int2(static_cast<std::int16_t>(value.integer));
      } else {
        parameters_.add_literal(text_of(value.integer));
      }
      return {};
    case Value::Kind::kReal:
      if (type == pg::kFloat8)
        parameters_.add_float8(value.real);
      else
        parameters_.add_literal(text_of(value.real));
      return {};
    case Value::Kind::kText:
      if (type == pg::kTextType || type == pg::kVarchar || type == pg::kBytea) {
        parameters_.add_bytes(value.text);
      } else {
        if (value.text.find('\0') != std::string_view::npos) return wrong("text with U+0000");
        parameters_.add_literal(value.text);
      }
      return {};
    case Value::Kind::kBytes:
      if (type != pg::kBytea && type != pg::kTextType) return wrong("bytes, where others are due");
      parameters_.add_bytes(value.text);
      return {};
  }
  return {};
}

Result<void> PgStatement::send() {
  SLUICE_TRY(prepare());
  parameters_.clear();
  for (std::size_t i = 0; i < types_.parameters.size(); ++i)
    SLUICE_TRY(encode(i, i < values_.size() ? values_[i] : Value::null()));
  SLUICE_TRY(session_.before_send());
  return session_.connection().send(
      name_, parameters_, binary_ ? pg::Connection::Form::kBinary : pg::Connection::Form::kText);
}

Result<void> PgStatement::execute() {
  SLUICE_TRY(send());
  auto rows = session_.receive();
  if (!rows) return rows.error();
  rows_ = std::move(*rows);
  return {};
}

Result<bool> PgStatement::step() {
  if (row_ < 0) SLUICE_TRY(execute());
  return ++row_ < rows_.rows();
}

Result<std::uint64_t> PgStatement::run() {
  reset();
  SLUICE_TRY(execute());
  const std::uint64_t changed = rows_.changed();
  reset();
  return changed;
}

Result<void> PgStatement::post() {
  if (!session_.in_transaction()) {
    const auto done = run();
    if (!done) return done.error();
    return {};
  }
  reset();
  SLUICE_TRY(send());
  return session_.after_post();
}

void PgStatement::reset() {
  row_ = -1;
  rows_ = pg::Rows();
}

Value PgStatement::value(int column) const {
  switch (rows_.kind(row_, column)) {
    case pg::Rows::Kind::kInt:
      return Value::of(rows_.integer(row_, column));
    case pg::Rows::Kind::kReal:
      return Value::of(rows_.real(row_, column));
    case pg::Rows::Kind::kText:
      return Value::of(rows_.text(row_, column));
    case pg::Rows::Kind::kBytes:
      return Value::bytes(rows_.bytes(row_, column, scratch_[static_cast<std::size_t>(column)]));
    case pg::Rows::Kind::kNull:
      break;
  }
  return Value::null();
}

}  // namespace sluice::projection
