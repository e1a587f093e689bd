// SPDX-License-Identifier: Apache-2.0
#include "projection/schema/stored_model.hpp"

#include <algorithm>

#include "projection/schema/upgrade.hpp"

namespace sluice::projection {

using core::Errc;
using core::fail;
using core::Result;

namespace {

Result<std::string> meta(Target& target, const std::string& name) {
  return query_text(target, "SELECT value FROM _sluice_meta WHERE name = '" + name + "'");
}

}  // namespace

Result<void> check_stored_model(Target& target, const Model& model) {
  const std::string place = target.place().text();
  const auto tables = target.tables();
  if (!tables) return tables.error();
  if (std::find(tables->begin(), tables->end(), "_sluice_meta") == tables->end())
    return fail(Errc::kConfig, place + " is not a read model's database");
  std::string found[4];
  const char* const kNames[] = {"format", "model", "version", "fingerprint"};
  for (std::size_t i = 0; i < 4; ++i) {
    auto value = meta(target, kNames[i]);
    if (!value && value.error().code == Errc::kNotFound)
      return fail(Errc::kConfig, place + " is not a read model's database");
    if (!value) return value.error();
    found[i] = std::move(*value);
  }
  if (found[0] != std::to_string(kSchemaFormat))
    return fail(Errc::kUnsupported, place + " has format " + found[0] + ", this program knows " +
                                        std::to_string(kSchemaFormat));
  if (found[1] != model.name() || found[2] != std::to_string(model.version()))
    return fail(Errc::kConfig, place + " belongs to model " + found[1] + " version " + found[2]);
  if (found[3] != model.fingerprint())
    return fail(Errc::kConfig, model.file() + ": the definition of model " + model.name() +
                                   " has changed since " + place +
                                   " was made: raise its version, and it is built anew");
  return {};
}

}  // namespace sluice::projection
