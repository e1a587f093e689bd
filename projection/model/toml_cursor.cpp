// SPDX-License-Identifier: Apache-2.0
#include "projection/model/toml_cursor.hpp"

#include <algorithm>

namespace sluice::projection {

std::vector<TomlEntry> entries_of(const toml::table& table) {
  std::vector<TomlEntry> out;
  for (const auto& [key, node] : table)
    out.push_back({std::string(key.str()), &node, key.source()});
  std::stable_sort(out.begin(), out.end(), [](const TomlEntry& a, const TomlEntry& b) {
    const auto& x = a.where.begin;
    const auto& y = b.where.begin;
    return x.line != y.line ? x.line < y.line : x.column < y.column;
  });
  return out;
}

void refuse_unknown(const toml::table& table, std::initializer_list<std::string_view> known,
                    TomlErrors& errors) {
  for (const TomlEntry& entry : entries_of(table)) {
    if (std::find(known.begin(), known.end(), entry.key) != known.end()) continue;
    std::string all;
    for (const std::string_view name : known) all += (all.empty() ? "" : ", ") + std::string(name);
    errors.add(entry.where, "unknown key '" + entry.key + "'; possible are " + all);
  }
}

std::optional<std::string> text_at(const toml::table& table, std::string_view key,
                                   TomlErrors& errors) {
  const toml::node* node = table.get(key);
  if (node == nullptr) return std::nullopt;
  auto text = node->value_exact<std::string>();
  if (!text) errors.add(*node, "'" + std::string(key) + "' must be text");
  return text;
}

std::optional<bool> flag_at(const toml::table& table, std::string_view key, TomlErrors& errors) {
  const toml::node* node = table.get(key);
  if (node == nullptr) return std::nullopt;
  const auto flag = node->value_exact<bool>();
  if (!flag) errors.add(*node, "'" + std::string(key) + "' must be true or false");
  return flag;
}

std::vector<std::string> texts_at(const toml::table& table, std::string_view key,
                                  TomlErrors& errors) {
  const toml::node* node = table.get(key);
  if (node == nullptr) return {};
  if (auto one = node->value_exact<std::string>()) return {std::move(*one)};
  std::vector<std::string> out;
  const toml::array* list = node->as_array();
  if (list != nullptr)
    for (const toml::node& item : *list)
      if (auto text = item.value_exact<std::string>()) out.push_back(std::move(*text));
  if (list == nullptr || out.size() != list->size() || out.empty()) {
    errors.add(*node, "'" + std::string(key) + "' must be a text or a list of texts");
    return {};
  }
  return out;
}

const toml::table* table_at(const toml::table& table, std::string_view key, TomlErrors& errors) {
  const toml::node* node = table.get(key);
  if (node == nullptr) return nullptr;
  const toml::table* inner = node->as_table();
  if (inner == nullptr) errors.add(*node, "'" + std::string(key) + "' must be a section");
  return inner;
}

}  // namespace sluice::projection
