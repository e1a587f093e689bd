// SPDX-License-Identifier: Apache-2.0
#include "projection/schema.hpp"

#include <algorithm>

#include "projection/schema_tables.hpp"
#include "projection/schema_upgrade.hpp"
#include "projection/sql.hpp"

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

Result<std::string> get(Target& target, const std::string& name) {
  return query_text(target, "SELECT value FROM _sluice_meta WHERE name = '" + name + "'");
}

Result<void> create(Target& target, const Model& model) {
  auto transaction = Transaction::begin(target, Begin::kSynced);
  if (!transaction) return transaction.error();
  SLUICE_TRY(target.exec(internal_tables(target.dialect())));
  for (const Table& table : model.tables())
    SLUICE_TRY(target.exec(sql::create_table(table, target.dialect())));
  for (const View& view : model.views()) SLUICE_TRY(target.exec(sql::create_view(view)));
  SLUICE_TRY(put(target, "format", std::to_string(kSchemaFormat)));
  SLUICE_TRY(put(target, "model", model.name()));
  SLUICE_TRY(put(target, "version", std::to_string(model.version())));
  SLUICE_TRY(put(target, "fingerprint", model.fingerprint()));
  return transaction->commit();
}

Result<void> check(Target& target, const Model& model) {
  const auto format = get(target, "format");
  const auto name = get(target, "model");
  const auto version = get(target, "version");
  const auto fingerprint = get(target, "fingerprint");
  const std::string place = target.place().text();
  for (const auto* value : {&format, &name, &version, &fingerprint})
    if (!*value && value->error().code != Errc::kNotFound &&
        value->error().code != Errc::kBadRequest)
      return value->error();
  if (!format || !name || !version || !fingerprint)
    return fail(Errc::kConfig, place + " is not a read model's database");
  if (*format != std::to_string(kSchemaFormat))
    return fail(Errc::kUnsupported, place + " has format " + *format + ", this program knows " +
                                        std::to_string(kSchemaFormat));
  if (*name != model.name() || *version != std::to_string(model.version()))
    return fail(Errc::kConfig, place + " belongs to model " + *name + " version " + *version);
  if (*fingerprint != model.fingerprint())
    return fail(Errc::kConfig, model.file() + ": the definition of model " + model.name() +
                                   " has changed since " + place +
                                   " was made: raise its version, and it is built anew");
  return {};
}

}  // namespace

Result<std::unique_ptr<Target>> open_model_database(const Model& model, const Place& place,
                                                    Access access) {
  auto target = Target::open(place, access);
  if (!target || access == Access::kRead) {
    if (target) SLUICE_TRY(check(**target, model));
    return target;
  }
  const auto tables = (*target)->tables();
  if (!tables) return tables.error();
  if (std::find(tables->begin(), tables->end(), "_sluice_meta") == tables->end()) {
    if (!tables->empty())
      return fail(Errc::kConfig, place.text() + " is a database of something else");
    SLUICE_TRY(create(**target, model));
  }
  SLUICE_TRY(upgrade_schema(**target, model));
  SLUICE_TRY(check(**target, model));
  return target;
}

}  // namespace sluice::projection
