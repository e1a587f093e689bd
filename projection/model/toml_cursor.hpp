// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "core/toml.hpp"
#include "projection/model/definition.hpp"

namespace sluice::projection {

inline FilePlace place_of(const toml::source_region& region) {
  return {region.begin.line, region.begin.column};
}

// Collects errors with file, line and column while a TOML tree is read. Only model_parser*.cpp
// include this: toml++ is slow to compile.
class TomlErrors {
 public:
  explicit TomlErrors(std::string file) : file_(std::move(file)) {}

  void add(const toml::source_region& where, const std::string& what) {
    add(place_of(where), what);
  }
  void add(const toml::node& node, const std::string& what) { add(node.source(), what); }
  void add(const FilePlace& where, const std::string& what) { lines_.push_back(at(where) + what); }
  std::string at(const FilePlace& where) const {  // "file:line:column: "
    return file_ + ":" + std::to_string(where.line) + ":" + std::to_string(where.column) + ": ";
  }
  bool empty() const { return lines_.empty(); }
  core::Error all() const {
    std::string text;
    for (const auto& line : lines_) text += (text.empty() ? "" : "\n") + line;
    return core::fail(core::Errc::kConfig, text);
  }

 private:
  std::string file_;
  std::vector<std::string> lines_;
};

struct TomlEntry {
  std::string key;
  const toml::node* node = nullptr;
  toml::source_region where;  // of the key
};

// In the order of the file: toml++ sorts by name.
std::vector<TomlEntry> entries_of(const toml::table& table);
void refuse_unknown(const toml::table& table, std::initializer_list<std::string_view> known,
                    TomlErrors& errors);

// nullopt if the key is absent or wrong; what is wrong is noted.
std::optional<std::string> text_at(const toml::table& table, std::string_view key,
                                   TomlErrors& errors);
std::optional<bool> flag_at(const toml::table& table, std::string_view key, TomlErrors& errors);
// A text, or a list of texts.
std::vector<std::string> texts_at(const toml::table& table, std::string_view key,
                                  TomlErrors& errors);
const toml::table* table_at(const toml::table& table, std::string_view key, TomlErrors& errors);

}  // namespace sluice::projection
