// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"

namespace sluice::core {

// Visits the settings of one module. A module writes one function
//     void visit(LogSettings& s, core::SettingsVisitor& v)
// beside its struct of defaults; reading and printing are two visitors, so that `--print-config`
// can never know another set of keys than the file's reader.
class SettingsVisitor {
 public:
  virtual ~SettingsVisitor() = default;
  // All fields until the next section() belong to [name]; dotted names are nested tables.
  virtual void section(std::string_view name) = 0;
  virtual void field(std::string_view key, std::string& value) = 0;
  virtual void field(std::string_view key, bool& value) = 0;
  virtual void field(std::string_view key, std::int64_t& value, std::int64_t min,
                     std::int64_t max) = 0;
  virtual void field(std::string_view key, std::vector<std::string>& value) = 0;
  // Written as "250ms", "30s", "5min", "24h", "7d"; no bare number.
  virtual void field(std::string_view key, std::chrono::milliseconds& value,
                     std::chrono::milliseconds min, std::chrono::milliseconds max) = 0;
  // Written as "512KiB", "32MiB", "10GiB" or a number of bytes.
  virtual void bytes(std::string_view key, std::uint64_t& value, std::uint64_t min,
                     std::uint64_t max) = 0;
  // A table of free keys to text, as [gateway.lanes] category = "lane".
  virtual void map(std::string_view key,
                   std::vector<std::pair<std::string, std::string>>& value) = 0;
  // The module's own finding about a value just read: reported with file, line and key.
  virtual void reject(std::string_view key, std::string_view why) = 0;
};

// Reads one TOML file (at most 1 MiB). Errors are collected, each with file, line and key.
class ConfigReader final : public SettingsVisitor {
 public:
  static Result<ConfigReader> load(const std::string& path);
  static Result<ConfigReader> parse(std::string_view text, const std::string& name);
  ConfigReader(ConfigReader&&) noexcept;
  ~ConfigReader() override;

  void section(std::string_view name) override;
  void field(std::string_view key, std::string& value) override;
  void field(std::string_view key, bool& value) override;
  void field(std::string_view key, std::int64_t& value, std::int64_t min,
             std::int64_t max) override;
  void field(std::string_view key, std::vector<std::string>& value) override;
  void field(std::string_view key, std::chrono::milliseconds& value, std::chrono::milliseconds min,
             std::chrono::milliseconds max) override;
  void bytes(std::string_view key, std::uint64_t& value, std::uint64_t min,
             std::uint64_t max) override;
  void map(std::string_view key, std::vector<std::pair<std::string, std::string>>& value) override;
  void reject(std::string_view key, std::string_view why) override;

  // A top-level section that another program of the same file reads.
  void leave(std::string_view section);
  // Ends reading: kConfig with one line per error, unknown keys and sections among them.
  Result<void> finish();

 private:
  struct State;
  explicit ConfigReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Prints the effective settings as TOML that ConfigReader reads back.
class ConfigPrinter final : public SettingsVisitor {
 public:
  const std::string& text() const { return text_; }
  void section(std::string_view name) override;
  void field(std::string_view key, std::string& value) override;
  void field(std::string_view key, bool& value) override;
  void field(std::string_view key, std::int64_t& value, std::int64_t min,
             std::int64_t max) override;
  void field(std::string_view key, std::vector<std::string>& value) override;
  void field(std::string_view key, std::chrono::milliseconds& value, std::chrono::milliseconds min,
             std::chrono::milliseconds max) override;
  void bytes(std::string_view key, std::uint64_t& value, std::uint64_t min,
             std::uint64_t max) override;
  void map(std::string_view key, std::vector<std::pair<std::string, std::string>>& value) override;
  void reject(std::string_view, std::string_view) override {}

 private:
  std::string text_;
};

}  // namespace sluice::core
