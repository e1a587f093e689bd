// SPDX-License-Identifier: Apache-2.0
#include "projection/schema/schema.hpp"

#include <algorithm>

#include "projection/model/layout.hpp"
#include "projection/model/sql.hpp"
#include "projection/schema/stored_model.hpp"
#include "projection/schema/tables.hpp"
#include "projection/schema/upgrade.hpp"

namespace sluice::projection {
namespace {

using core::Errc;
using core::fail;
using core::Result;

Result<void> put(Target& target, std::string_view name, const std::string& value) {
  auto statement = target.prepare("INSERT INTO _sluice_meta (name, value) VALUES (?1, ?2)");
  if (!statement) return statement.error();
  SLUICE_TRY((*statement)->bind(1, name).bind(2, std::string_view(value)).run());
  return {};
}

// What only this database can refuse of a model file is told as any other mistake in it.
template <class Done>
Result<void> checked(const Model& model, const FilePlace& where, const std::string& what,
                     const Done& done) {
  if (done) return {};
  if (done.error().code != Errc::kBadRequest) return done.error();
  return fail(Errc::kConfig, model.file() + ":" + std::to_string(where.line) + ":" +
                                 std::to_string(where.column) + ": " + what + ": " +
                                 done.error().message);
}

Result<void> create(Target& target, const Model& model) {
  auto transaction = Transaction::begin(target, Begin::kSynced);
  if (!transaction) return transaction.error();
  SLUICE_TRY(target.exec(internal_tables(target.dialect())));
  for (const Table& table : model.tables())
    SLUICE_TRY(target.exec(sql::create_table(model, table, target.dialect())));
  if (needs_watermarks(model)) SLUICE_TRY(target.exec(sql::create_watermarks(target.dialect())));
  for (const View& view : model.views())
    SLUICE_TRY(checked(model, view.sql.where, "view " + view.name,
                       target.exec(sql::create_view(view, target.dialect()))));
  // Tried before anything is committed: what cannot be used leaves nothing behind.
  for (const SqlRule& rule : model.sql_rules())
    SLUICE_TRY(
        checked(model, rule.text.where, "SQL", target.prepare(rule.numbered.of(target.dialect()))));
  SLUICE_TRY(put(target, "format", std::to_string(kSchemaFormat)));
  SLUICE_TRY(put(target, "model", model.name()));
  SLUICE_TRY(put(target, "version", std::to_string(model.version())));
  SLUICE_TRY(put(target, "fingerprint", model.fingerprint()));
  return transaction->commit();
}

// The model file as it was when the database was made: an older version is served by it when the
// file says something else. Databases of older programs get it while the file still fits them.
Result<void> keep_definition(Target& target, const Model& model) {
  const auto statement = target.prepare(
      "INSERT INTO _sluice_meta (name, value) VALUES ('definition', ?1)"
      " ON CONFLICT (name) DO NOTHING");
  if (!statement) return statement.error();
  SLUICE_TRY((*statement)->bind(1, std::string_view(model.text())).run());
  return {};
}

}  // namespace

Result<void> prepare_model_database(const Model& model, Target& target) {
  const auto tables = target.tables();
  if (!tables) return tables.error();
  if (std::find(tables->begin(), tables->end(), "_sluice_meta") == tables->end()) {
    if (!tables->empty())
      return fail(Errc::kConfig, target.place().text() + " is a database of something else");
    SLUICE_TRY(create(target, model));
  }
  SLUICE_TRY(upgrade_schema(target, model));
  SLUICE_TRY(check_stored_model(target, model));
  return keep_definition(target, model);
}

}  // namespace sluice::projection
