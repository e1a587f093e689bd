// SPDX-License-Identifier: Apache-2.0
#include "projection/schema/stored_definition.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "projection/database/target.hpp"

namespace sluice::projection {

using core::Errc;
using core::fail;
using core::Result;

namespace {

std::string meta(const char* name) {
  return std::string("SELECT value FROM _sluice_meta WHERE name = '") + name + "'";
}

}  // namespace

Result<StoredDefinition> read_definition(const Place& place) {
  std::error_code none;
  const auto absent = [&] { return fail(Errc::kNotFound, place.text() + " is not made yet"); };
  if (place.dialect() == Dialect::kSqlite && !std::filesystem::exists(place.file, none))
    return absent();
  auto target = Target::open(place, Access::kRead);
  if (!target) return target.error();
  const auto tables = (*target)->tables();
  if (!tables) return tables.error();
  if (tables->empty()) return absent();
  const auto foreign = [&] {
    return fail(Errc::kConfig, place.text() + " is not a read model's database");
  };
  if (std::find(tables->begin(), tables->end(), "_sluice_meta") == tables->end()) return foreign();
  StoredDefinition out;
  const auto version = query_text(**target, meta("version"));
  const auto model = query_text(**target, meta("model"));
  const auto fingerprint = query_text(**target, meta("fingerprint"));
  for (const auto* value : {&version, &model, &fingerprint})
    if (!*value) return value->error().code == Errc::kNotFound ? foreign() : value->error();
  const auto [end, error] =
      std::from_chars(version->data(), version->data() + version->size(), out.version);
  if (error != std::errc() || end != version->data() + version->size()) return foreign();
  out.model = *model;
  out.fingerprint = *fingerprint;
  if (auto text = query_text(**target, meta("definition")))
    out.text = std::move(*text);
  else if (text.error().code != Errc::kNotFound)
    return text.error();
  return out;
}

}  // namespace sluice::projection
