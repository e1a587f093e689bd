// SPDX-License-Identifier: Apache-2.0
#include "projection/database/target.hpp"

#include "projection/database/pg_target.hpp"
#include "projection/database/sqlite_target.hpp"

namespace sluice::projection {
namespace {

using core::Errc;
using core::fail;
using core::Result;

template <class Read>
auto first_row(Target& target, std::string_view sql, Read&& read)
    -> Result<decltype(read(std::declval<Statement&>()))> {
  auto statement = target.prepare(sql);
  if (!statement) return statement.error();
  const auto row = (*statement)->step();
  if (!row) return row.error();
  if (!*row) return fail(Errc::kNotFound, target.place().text() + ": no row");
  return read(**statement);
}

}  // namespace

Result<std::unique_ptr<Target>> Target::open(const Place& place, Access access) {
  return place.dialect() == Dialect::kSqlite ? open_sqlite(place, access)
                                             : open_postgres(place, access);
}

Result<void> prepare_all(Target& target,
                         std::initializer_list<std::pair<StatementPtr*, std::string>> all) {
  for (const auto& [statement, text] : all) {
    auto prepared = target.prepare(text);
    if (!prepared) return prepared.error();
    *statement = std::move(*prepared);
  }
  return {};
}

Result<std::int64_t> query_int(Target& target, std::string_view sql) {
  return first_row(target, sql, [](Statement& row) { return row.integer(0); });
}

Result<std::string> query_text(Target& target, std::string_view sql) {
  return first_row(target, sql, [](Statement& row) { return std::string(row.text(0)); });
}

}  // namespace sluice::projection
