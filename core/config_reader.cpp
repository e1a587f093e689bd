// SPDX-License-Identifier: Apache-2.0
#include "core/config_reader.hpp"

#include <array>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <set>
#include <sstream>

#include "core/text.hpp"
#include "core/toml.hpp"
#include "core/toml_depth.hpp"

namespace sluice::core {
namespace {

constexpr std::uintmax_t kFileBytesMax = 1 << 20;

struct Unit {
  std::string_view suffix;
  std::int64_t factor;
};
constexpr std::array<Unit, 5> kDurations = {
    {{"ms", 1}, {"min", 60'000}, {"s", 1000}, {"h", 3'600'000}, {"d", 86'400'000}}};
constexpr std::array<Unit, 4> kSizes = {
    {{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"B", 1}}};

template <std::size_t N>
bool parse_with_unit(std::string_view text, const std::array<Unit, N>& units, std::int64_t& out) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || number < 0) return false;
  const std::string_view suffix(end, static_cast<std::size_t>(text.data() + text.size() - end));
  for (const Unit& unit : units)
    if (suffix == unit.suffix) return !__builtin_mul_overflow(number, unit.factor, &out);
  return false;
}

std::string write_duration(std::int64_t ms) {
  for (const auto& [suffix, factor] :
       {Unit{"d", 86'400'000}, Unit{"h", 3'600'000}, Unit{"min", 60'000}, Unit{"s", 1000}})
    if (ms != 0 && ms % factor == 0) return std::to_string(ms / factor) + std::string(suffix);
  return std::to_string(ms) + "ms";
}

std::string write_size(std::uint64_t bytes) {
  for (const auto& [suffix, factor] :
       {Unit{"GiB", 1 << 30}, Unit{"MiB", 1 << 20}, Unit{"KiB", 1 << 10}})
    if (bytes != 0 && bytes % static_cast<std::uint64_t>(factor) == 0)
      return std::to_string(bytes / static_cast<std::uint64_t>(factor)) + std::string(suffix);
  return std::to_string(bytes) + "B";
}

std::string quote(std::string_view text) {
  std::ostringstream out;
  out << toml::value<std::string>(std::string(text));
  return out.str();
}

}  // namespace

struct ConfigReader::State {
  toml::table root;
  std::string file;
  std::string section;
  toml::table* table = nullptr;
  std::set<const toml::node*> seen;
  std::vector<std::string> errors;

  void error_at(const toml::node* node, std::string_view key, std::string_view why) {
    std::string line = file;
    if (node != nullptr) line += ":" + std::to_string(node->source().begin.line);
    line += ": ";
    line += key;
    line += ": ";
    line += why;
    errors.push_back(std::move(line));
  }

  std::string path(std::string_view key) const {
    return section.empty() ? std::string(key) : section + "." + std::string(key);
  }

  toml::node* take(std::string_view key) {
    if (table == nullptr) return nullptr;
    toml::node* node = table->get(key);
    if (node != nullptr) seen.insert(node);
    return node;
  }

  void check_unknown(const toml::table& where, const std::string& prefix) {
    for (const auto& [key, node] : where) {
      const std::string name =
          prefix.empty() ? std::string(key.str()) : prefix + "." + std::string(key.str());
      if (!seen.contains(&node)) {
        error_at(&node, name, node.is_table() ? "unknown section" : "unknown key");
      } else if (const auto* inner = node.as_table(); inner != nullptr && !closed.contains(&node)) {
        check_unknown(*inner, name);
      }
    }
  }
  std::set<const toml::node*> closed;  // tables whose content is accounted for as a whole
};

ConfigReader::ConfigReader(std::unique_ptr<State> state) : state_(std::move(state)) {
  state_->table = &state_->root;
}
ConfigReader::ConfigReader(ConfigReader&&) noexcept = default;
ConfigReader::~ConfigReader() = default;

Result<ConfigReader> ConfigReader::load(const std::string& path) {
  std::ifstream in(path, std::ios::binary | std::ios::ate);
  if (!in) return fail(Errc::kConfig, "cannot read the configuration file " + path);
  const auto size = in.tellg();
  if (size < 0 || static_cast<std::uintmax_t>(size) > kFileBytesMax)
    return fail(Errc::kConfig, path + ": larger than 1 MiB or not a plain file");
  std::string text(static_cast<std::size_t>(size), '\0');
  in.seekg(0);
  if (!in.read(text.data(), size) && size != 0)
    return fail(Errc::kConfig, "cannot read the configuration file " + path);
  return parse(text, path);
}

Result<ConfigReader> ConfigReader::parse(std::string_view text, const std::string& name) {
  if (const auto line = too_deep_line(text))
    return fail(Errc::kConfig,
                name + ":" + std::to_string(*line) + ": " + std::string(kTooDeepWords));
  auto parsed = toml::parse(text, name);
  if (!parsed)
    return fail(Errc::kConfig, name + ":" + std::to_string(parsed.error().source().begin.line) +
                                   ": " + std::string(parsed.error().description()));
  auto state = std::make_unique<State>();
  state->root = std::move(parsed).table();
  state->file = name;
  return ConfigReader(std::move(state));
}

void ConfigReader::section(std::string_view name) {
  state_->section = name;
  state_->table = &state_->root;
  for (const std::string_view part : split(name, '.')) {
    if (part.empty()) continue;
    toml::node* node = state_->table->get(part);
    if (node == nullptr) {
      state_->table = nullptr;
      return;
    }
    state_->seen.insert(node);
    state_->table = node->as_table();
    if (state_->table == nullptr) {
      state_->error_at(node, name, "must be a section");
      return;
    }
  }
}

void ConfigReader::field(std::string_view key, std::string& value) {
  toml::node* node = state_->take(key);
  if (node == nullptr) return;
  if (const auto text = node->value_exact<std::string>())
    value = *text;
  else
    state_->error_at(node, state_->path(key), "must be text");
}

void ConfigReader::field(std::string_view key, bool& value) {
  toml::node* node = state_->take(key);
  if (node == nullptr) return;
  if (const auto flag = node->value_exact<bool>())
    value = *flag;
  else
    state_->error_at(node, state_->path(key), "must be true or false");
}

void ConfigReader::field(std::string_view key, std::int64_t& value, std::int64_t min,
                         std::int64_t max) {
  toml::node* node = state_->take(key);
  if (node == nullptr) return;
  const auto number = node->value_exact<std::int64_t>();
  if (number && *number >= min && *number <= max)
    value = *number;
  else
    state_->error_at(
        node, state_->path(key),
        "must be a whole number from " + std::to_string(min) + " to " + std::to_string(max));
}

void ConfigReader::field(std::string_view key, std::vector<std::string>& value) {
  toml::node* node = state_->take(key);
  if (node == nullptr) return;
  const auto* array = node->as_array();
  std::vector<std::string> items;
  if (array != nullptr)
    for (const auto& item : *array)
      if (const auto text = item.value_exact<std::string>()) items.push_back(*text);
  if (array == nullptr || items.size() != array->size())
    state_->error_at(node, state_->path(key), "must be a list of texts");
  else
    value = std::move(items);
}

void ConfigReader::field(std::string_view key, std::chrono::milliseconds& value,
                         std::chrono::milliseconds min, std::chrono::milliseconds max) {
  toml::node* node = state_->take(key);
  if (node == nullptr) return;
  std::int64_t ms = 0;
  const auto text = node->value_exact<std::string>();
  if (text && parse_with_unit(*text, kDurations, ms) && ms >= min.count() && ms <= max.count())
    value = std::chrono::milliseconds(ms);
  else
    state_->error_at(node, state_->path(key),
                     "must be a duration from \"" + write_duration(min.count()) + "\" to \"" +
                         write_duration(max.count()) + "\", with ms, s, min, h or d");
}

void ConfigReader::bytes(std::string_view key, std::uint64_t& value, std::uint64_t min,
                         std::uint64_t max) {
  toml::node* node = state_->take(key);
  if (node == nullptr) return;
  std::int64_t size = -1;
  if (const auto number = node->value_exact<std::int64_t>())
    size = *number;
  else if (const auto text = node->value_exact<std::string>())
    if (!parse_with_unit(*text, kSizes, size)) size = -1;
  if (size >= 0 && static_cast<std::uint64_t>(size) >= min &&
      static_cast<std::uint64_t>(size) <= max)
    value = static_cast<std::uint64_t>(size);
  else
    state_->error_at(node, state_->path(key),
                     "must be a size from \"" + write_size(min) + "\" to \"" + write_size(max) +
                         "\", with B, KiB, MiB or GiB");
}

void ConfigReader::map(std::string_view key,
                       std::vector<std::pair<std::string, std::string>>& value) {
  toml::node* node = state_->take(key);
  if (node == nullptr) return;
  state_->closed.insert(node);
  const auto* table = node->as_table();
  if (table == nullptr) {
    state_->error_at(node, state_->path(key), "must be a section of key = \"text\"");
    return;
  }
  value.clear();
  for (const auto& [name, item] : *table) {
    if (const auto text = item.value_exact<std::string>())
      value.emplace_back(std::string(name.str()), *text);
    else
      state_->error_at(&item, state_->path(key) + "." + std::string(name.str()), "must be text");
  }
}

void ConfigReader::reject(std::string_view key, std::string_view why) {
  const toml::node* node = state_->table == nullptr ? nullptr : state_->table->get(key);
  state_->error_at(node, state_->path(key), why);
}

void ConfigReader::leave(std::string_view section) {
  if (const toml::node* node = state_->root.get(section)) {
    state_->seen.insert(node);
    state_->closed.insert(node);
  }
}

Result<void> ConfigReader::finish() {
  state_->check_unknown(state_->root, "");
  if (state_->errors.empty()) return {};
  std::string all;
  for (const auto& line : state_->errors) all += (all.empty() ? "" : "\n") + line;
  return fail(Errc::kConfig, all);
}

void ConfigPrinter::section(std::string_view name) {
  text_ += (text_.empty() ? "[" : "\n[") + std::string(name) + "]\n";
}
void ConfigPrinter::field(std::string_view key, std::string& value) {
  text_ += std::string(key) + " = " + quote(value) + "\n";
}
void ConfigPrinter::field(std::string_view key, bool& value) {
  text_ += std::string(key) + (value ? " = true\n" : " = false\n");
}
void ConfigPrinter::field(std::string_view key, std::int64_t& value, std::int64_t, std::int64_t) {
  text_ += std::string(key) + " = " + std::to_string(value) + "\n";
}
void ConfigPrinter::field(std::string_view key, std::vector<std::string>& value) {
  text_ += std::string(key) + " = [";
  for (std::size_t i = 0; i < value.size(); ++i) text_ += (i == 0 ? "" : ", ") + quote(value[i]);
  text_ += "]\n";
}
void ConfigPrinter::field(std::string_view key, std::chrono::milliseconds& value,
                          std::chrono::milliseconds, std::chrono::milliseconds) {
  text_ += std::string(key) + " = \"" + write_duration(value.count()) + "\"\n";
}
void ConfigPrinter::bytes(std::string_view key, std::uint64_t& value, std::uint64_t,
                          std::uint64_t) {
  text_ += std::string(key) + " = \"" + write_size(value) + "\"\n";
}
void ConfigPrinter::map(std::string_view key,
                        std::vector<std::pair<std::string, std::string>>& value) {
  text_ += std::string(key) + " = { ";
  for (std::size_t i = 0; i < value.size(); ++i)
    text_ += (i == 0 ? "" : ", ") + quote(value[i].first) + " = " + quote(value[i].second);
  text_ += " }\n";
}

}  // namespace sluice::core
