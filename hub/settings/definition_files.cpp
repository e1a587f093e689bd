// SPDX-License-Identifier: Apache-2.0
#include "hub/settings/definition_files.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <utility>

namespace sluice::hub {

using core::Result;

namespace {

constexpr const char* kSpace = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// Empty if there is none. Only plain files are opened: a pipe would never end, and reading a folder
// throws.
std::string text_of(const std::string& file) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(file, ignored)) return {};
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();  // unlike an iterator, it does not throw where reading fails
  return std::move(text).str();
}

FoundDefinition read(const std::string& file) {
  FoundDefinition out;
  out.file = file;
  auto model = projection::Model::load(file);
  if (model) {
    out.model = (*model)->name();
    out.definition = std::move(*model);
    return out;
  }
  out.problem = model.error().message;
  out.model = guess_model_name(text_of(file), file);
  return out;
}

}  // namespace

std::string guess_model_name(std::string_view toml, const std::string& file) {
  while (!toml.empty()) {
    const std::size_t end_of_line = std::min(toml.find('\n'), toml.size() - 1);
    const std::string_view line = trimmed(toml.substr(0, end_of_line + 1));
    toml.remove_prefix(end_of_line + 1);
    if (line.starts_with('[')) break;  // the top of the file is over
    if (!line.starts_with("model")) continue;
    std::string_view value = trimmed(line.substr(5));
    if (!value.starts_with('=')) continue;
    value = trimmed(value.substr(1));
    if (value.size() < 2 || (value[0] != '"' && value[0] != '\'')) continue;
    const auto end = value.find(value[0], 1);
    if (end != std::string_view::npos) return std::string(value.substr(1, end - 1));
  }
  std::string name = std::filesystem::path(file).filename().string();
  if (const auto end = name.find('.'); end != std::string::npos) name.resize(end);
  return name;
}

Result<std::vector<FoundDefinition>> find_definitions(const HubSettings& settings) {
  const auto files = model_files(settings);
  if (!files) return files.error();
  std::map<std::string, FoundDefinition> by_name;
  for (const std::string& file : *files) {
    FoundDefinition found = read(file);
    const auto [at, is_new] = by_name.emplace(found.model, found);
    if (is_new) continue;
    // Which of the two is meant, nobody can tell.
    FoundDefinition& first = at->second;
    const std::string why = found.definition
                                ? file + ": model " + found.model + " is also in " + first.file
                                : found.problem;
    first.problem += (first.problem.empty() ? "" : "\n") + why;
    first.definition.reset();
  }
  std::vector<FoundDefinition> out;
  for (auto& [name, found] : by_name) out.push_back(std::move(found));
  return out;
}

}  // namespace sluice::hub
