// SPDX-License-Identifier: Apache-2.0
#include "projection/model.hpp"

#include <algorithm>
#include <fstream>

#include "core/ids.hpp"
#include "core/text.hpp"
#include "projection/model_parser.hpp"
#include "projection/model_words.hpp"
#include "projection/sql.hpp"
#include "sqlite/guard.hpp"

namespace sluice::projection {
namespace {

using core::Errc;
using core::fail;
using core::Result;

constexpr std::streamoff kFileBytesMax = 1 << 20;

bool listed(const std::vector<std::string>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

bool matches(const std::string& pattern, std::string_view gateway) {
  if (!pattern.ends_with('*')) return pattern == gateway;
  return gateway.starts_with(std::string_view(pattern).substr(0, pattern.size() - 1));
}

std::string joined(const std::vector<std::string>& list) {
  std::string out;
  for (const auto& item : list) out += " \"" + item + "\"";
  return out + "\n";
}

std::string describe(const Table& table) {
  std::string out = "table " + table.name + (table.shared ? " shared\n" : "\n");
  for (const Column& key : table.key)
    out += "  key " + key.name + " " + std::string(type_word(key.type)) + " = " +
           source_text(key.source) + "\n";
  for (const Column& column : table.columns)
    out += "  column " + column.name + " " + std::string(type_word(column.type)) +
           (column.fallback ? " default " + constant_text(*column.fallback) : "") + "\n";
  for (const Rule& rule : table.rules) {
    out += "  on" + joined(rule.types);
    if (!rule.categories.empty()) out += "    category" + joined(rule.categories);
    if (rule.remove) out += "    delete\n";
    if (!rule.create && !rule.remove) out += "    only rows that exist\n";
    for (const Operation& operation : rule.operations)
      out += "    " + std::string(operator_word(operation.op)) + " " +
             table.columns[operation.column].name + " = " + source_text(operation.source) + "\n";
  }
  return out;
}

}  // namespace

Result<std::shared_ptr<const Model>> Model::load(const std::string& path) {
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  if (!in) return fail(Errc::kConfig, "cannot read the model file " + path);
  const auto size = in.tellg();
  if (size < 0 || static_cast<std::streamoff>(size) > kFileBytesMax)
    return fail(Errc::kConfig, path + ": larger than 1 MiB or not a plain file");
  std::string text(static_cast<std::size_t>(size), '\0');
  in.seekg(0);
  if (!in.read(text.data(), size) && size != 0)
    return fail(Errc::kConfig, "cannot read the model file " + path);
  return parse(text, path);
}

Result<std::shared_ptr<const Model>> Model::parse(std::string_view toml, const std::string& file) {
  const auto parsed = toml::parse(toml, file);
  if (!parsed) {
    TomlErrors errors(file);
    errors.add(parsed.error().source(), std::string(parsed.error().description()));
    return errors.all();
  }
  auto model = ModelParser(parsed.table(), file).run();
  if (!model) return model.error();
  (*model)->file_ = file;
  return std::shared_ptr<const Model>(std::move(*model));
}

std::string Model::database_name() const {
  return name_ + "-v" + std::to_string(version_) + ".db";
}

bool Model::wants(std::string_view gateway, std::string_view category,
                  std::string_view type) const {
  if (categories_.empty() ? category == core::kReservedCategory : !listed(categories_, category))
    return false;
  if (!types_.empty() && !listed(types_, type)) return false;
  return gateways_.empty() ||
         std::any_of(gateways_.begin(), gateways_.end(),
                     [&](const std::string& pattern) { return matches(pattern, gateway); });
}

std::string Model::fingerprint() const {
  std::string out = "model " + name_ + " version " + std::to_string(version_) +
                    (history_ == History::kWhole ? " history whole\n" : " history available\n");
  if (!gateways_.empty()) out += "gateways" + joined(gateways_);
  if (!categories_.empty()) out += "categories" + joined(categories_);
  if (!types_.empty()) out += "types" + joined(types_);
  for (const Table& table : tables_) out += describe(table);
  for (const View& view : views_) out += "view " + view.name + "\n" + view.sql + "\n";
  return out;
}

void ModelParser::check_views(Model& model) {
  auto scratch = sqlite::Database::open(":memory:", sqlite::OpenMode::kCreate);
  const toml::source_region top = root_.source();
  if (!scratch) return errors_.add(top, scratch.error().message);
  for (const Table& table : model.tables_)
    if (const auto made = scratch->exec(sql::create_table(table, Dialect::kSqlite)); !made)
      return errors_.add(top, "table '" + table.name + "': " + made.error().message);
  for (View& view : model.views_) {
    const toml::source_position at{view.where.line, view.where.column};
    sqlite::allow_only_selects(*scratch, "_sluice_");
    auto columns = sqlite::check_select(*scratch, view.sql);
    sqlite::allow_everything(*scratch);
    std::string why;
    if (!columns) {
      why = columns.error().message;
    } else if (const auto made = scratch->exec(sql::create_view(view)); !made) {
      why = made.error().message;
    } else {
      // `SELECT *` finds the engine's own columns as well.
      std::erase_if(*columns,
                    [](const std::string& name) { return name.starts_with(sql::kHiddenPrefix); });
      view.columns = std::move(*columns);
      for (const auto& [name, type] : view.types)
        if (!listed(view.columns, name)) why = "it gives no column '" + core::printable(name) + "'";
    }
    if (!why.empty()) errors_.add({at, at, nullptr}, "view '" + view.name + "': " + why);
  }
}

}  // namespace sluice::projection
