// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "projection/model/toml_cursor.hpp"
#include "projection/reactor/reactor.hpp"

namespace sluice::projection {

// One reading of a reactor file; every error is noted, none ends it early.
class ReactorParser {
 public:
  ReactorParser(const toml::table& root, const std::string& file)
      : root_(root), file_(file), errors_(file) {}

  core::Result<std::shared_ptr<const Reactor>> run();

 private:
  void head(Reactor& reactor);
  void where(Reactor& reactor);
  void delivery(Reactor& reactor);
  void smtp(Reactor& reactor);
  void reaction(Reactor& reactor, const toml::table& from);
  std::optional<Webhook> webhook(const toml::table& from);
  std::optional<Email> email(const toml::table& from);
  std::optional<TextTemplate> place(const toml::node& node, const std::string& text);
  std::optional<TextTemplate> text_template(const toml::table& table, std::string_view key);
  std::vector<std::pair<std::string, TextTemplate>> templates(const toml::table& from,
                                                              bool are_headers);
  void number(const toml::table& table, std::string_view key, std::int64_t& value, std::int64_t min,
              std::int64_t max);
  void duration(const toml::table& table, std::string_view key, std::chrono::milliseconds& value,
                std::chrono::milliseconds min, std::chrono::milliseconds max);

  const toml::table& root_;
  const std::string file_;
  TomlErrors errors_;
};

}  // namespace sluice::projection
