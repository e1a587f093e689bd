// SPDX-License-Identifier: Apache-2.0
#include "projection/database/pg_rows.hpp"

#include <algorithm>

#include "projection/database/pg_sql.hpp"
#include "projection/value/domain.hpp"

namespace sluice::projection {
namespace {

using core::Errc;
using core::fail;
using core::Result;

constexpr std::size_t kRowsMax = 10'000;  // of one statement

pg::Oid element_of(Type type) {
  switch (type) {
    case Type::kText:
      return pg::kTextType;
    case Type::kReal:
      return pg::kFloat8;
    case Type::kBool:
      return pg::kBool;
    case Type::kBytes:
      return pg::kBytea;
    default:
      return pg::kInt8;
  }
}

void add_element(const Cell& cell, Type type, pg::Parameters& out) {
  if (const auto* v = std::get_if<std::int64_t>(&cell)) {
    if (type == Type::kBool)
      out.element_bool(*v != 0);
    else if (type == Type::kReal)
      out.element_float8(static_cast<double>(*v));
    else
      out.element_int8(*v);
  } else if (const auto* d = std::get_if<double>(&cell)) {
    out.element_float8(*d);
  } else if (const auto* t = std::get_if<std::string>(&cell)) {
    out.element_bytes(*t);
  } else if (const auto* b = std::get_if<Bytes>(&cell)) {
    out.element_bytes(b->value);
  } else {
    out.element_null();
  }
}

Cell read_cell(const pg::Rows& rows, int row, int column) {
  std::string scratch;
  switch (rows.kind(row, column)) {
    case pg::Rows::Kind::kInt:
      return rows.integer(row, column);
    case pg::Rows::Kind::kReal:
      return within_domain(rows.real(row, column));
    case pg::Rows::Kind::kText:
      return std::string(rows.text(row, column));
    case pg::Rows::Kind::kBytes:
      return Bytes{std::string(rows.bytes(row, column, scratch))};
    case pg::Rows::Kind::kNull:
      break;
  }
  return std::monostate{};
}

class PgRows final : public RowStore {
 public:
  PgRows(PgSession& session, const TableShape& shape)
      : session_(session),
        shape_(shape),
        load_{pg_sql::load(shape), {}, 0},
        store_{pg_sql::store(shape), {}, 0},
        erase_{pg_sql::erase(shape), {}, 0} {}
  ~PgRows() override {
    for (Text* text : {&load_, &store_, &erase_})
      if (!text->name.empty()) session_.forget_statement(text->generation, std::move(text->name));
  }
  // A mistake shows when the store is opened.
  Result<void> prepare() {
    for (Text* text : {&load_, &store_, &erase_}) SLUICE_TRY(prepare(*text));
    return {};
  }

  Result<void> load(std::span<Cell* const> rows, std::vector<bool>& found) override {
    found.assign(rows.size(), false);
    for (std::size_t from = 0; from < rows.size(); from += kRowsMax)
      SLUICE_TRY(
          load_some(rows.subspan(from, std::min(kRowsMax, rows.size() - from)), from, found));
    return {};
  }
  Result<void> store(std::span<const Cell* const> rows) override {
    return post(store_, shape_.columns.size(), rows);
  }
  Result<void> erase(std::span<const Cell* const> keys) override {
    return post(erase_, shape_.key, keys);
  }

 private:
  struct Text {
    const std::string sql;
    std::string name;
    std::uint64_t generation = 0;
  };

  Result<void> prepare(Text& text) {
    SLUICE_TRY(session_.ensure());
    if (text.generation == session_.generation()) return {};
    std::string name = session_.new_name();
    const auto types = session_.connection().prepare(name, text.sql, session_.answers_by());
    if (!types) return types.error();
    text.name = std::move(name);
    text.generation = session_.generation();
    return {};
  }

  // Column by column, as the arrays want it.
  template <class Pointer>
  Result<void> send(Text& text, std::size_t columns, std::span<Pointer const> rows) {
    SLUICE_TRY(prepare(text));
    parameters_.clear();
    for (std::size_t c = 0; c < columns; ++c) {
      const Type type = shape_.columns[c].type;
      parameters_.open_array(element_of(type), rows.size());
      for (const Cell* row : rows) add_element(row[c], type, parameters_);
      parameters_.close_array();
    }
    SLUICE_TRY(session_.before_send());
    return session_.connection().send(text.name, parameters_, pg::Connection::Form::kBinary);
  }

  Result<void> post(Text& text, std::size_t columns, std::span<const Cell* const> rows) {
    for (std::size_t from = 0; from < rows.size(); from += kRowsMax) {
      SLUICE_TRY(send(text, columns, rows.subspan(from, std::min(kRowsMax, rows.size() - from))));
      SLUICE_TRY(session_.after_post());
    }
    return {};
  }

  Result<void> load_some(std::span<Cell* const> rows, std::size_t from, std::vector<bool>& found) {
    SLUICE_TRY(send(load_, shape_.key, rows));
    const auto answer = session_.receive();
    if (!answer) return answer.error();
    for (int i = 0; i < answer->rows(); ++i) {
      const auto place = static_cast<std::size_t>(answer->integer(i, 0)) - 1;
      if (place >= rows.size()) return fail(Errc::kInternal, "PostgreSQL numbered a row wrongly");
      found[from + place] = true;
      for (std::size_t c = shape_.key; c < shape_.columns.size(); ++c)
        rows[place][c] = read_cell(*answer, i, static_cast<int>(c - shape_.key) + 1);
    }
    return {};
  }

  PgSession& session_;
  const TableShape shape_;
  Text load_;
  Text store_;
  Text erase_;
  pg::Parameters parameters_;
};

}  // namespace

Result<std::unique_ptr<RowStore>> open_pg_rows(PgSession& session, const TableShape& shape) {
  auto rows = std::make_unique<PgRows>(session, shape);
  SLUICE_TRY(rows->prepare());
  return std::unique_ptr<RowStore>(std::move(rows));
}

}  // namespace sluice::projection
