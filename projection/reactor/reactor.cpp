// SPDX-License-Identifier: Apache-2.0
#include "projection/reactor/reactor.hpp"

#include <algorithm>

#include "core/toml_depth.hpp"
#include "projection/model/definition_file.hpp"
#include "projection/reactor/reactor_parser.hpp"

namespace sluice::projection {

using core::Errc;
using core::fail;
using core::Result;

namespace {

bool listed(const std::vector<std::string>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

bool matches(const std::string& pattern, std::string_view gateway) {
  if (!pattern.ends_with('*')) return pattern == gateway;
  return gateway.starts_with(std::string_view(pattern).substr(0, pattern.size() - 1));
}

}  // namespace

bool Reaction::fits(const core::EventView& event) const {
  if (!listed(types, event.type)) return false;
  return categories.empty() ? !event.is_reserved() : listed(categories, event.category);
}

bool Reactor::wants(const core::EventView& event) const {
  if (!gateways_.empty() &&
      std::none_of(gateways_.begin(), gateways_.end(),
                   [&](const std::string& pattern) { return matches(pattern, event.gateway); }))
    return false;
  if (!categories_.empty() && !listed(categories_, event.category)) return false;
  return types_.empty() || listed(types_, event.type);
}

const Reaction* Reactor::find(std::string_view reaction) const {
  const auto found = std::find_if(reactions_.begin(), reactions_.end(),
                                  [&](const Reaction& one) { return one.name == reaction; });
  return found == reactions_.end() ? nullptr : &*found;
}

Result<std::shared_ptr<const Reactor>> Reactor::load(const std::string& path) {
  const auto text = projection::read_definition_file(path, "reactor file");
  if (!text) return text.error();
  return parse(*text, path);
}

Result<std::shared_ptr<const Reactor>> Reactor::parse(std::string_view toml,
                                                      const std::string& file) {
  if (const auto line = core::too_deep_line(toml))
    return fail(Errc::kConfig,
                file + ":" + std::to_string(*line) + ":1: " + std::string(core::kTooDeepWords));
  const toml::parse_result parsed = toml::parse(toml, file);
  if (!parsed) {
    const auto& where = parsed.error().source().begin;
    return fail(Errc::kConfig, file + ":" + std::to_string(where.line) + ":" +
                                   std::to_string(where.column) + ": " +
                                   std::string(parsed.error().description()));
  }
  return ReactorParser(parsed.table(), file).run();
}

std::string idempotency_key(std::string_view reactor, std::string_view reaction,
                            const core::EventView& event) {
  return std::string(reactor) + "/" + std::string(reaction) + "/" +
         core::Identity{std::string(event.gateway), event.epoch, event.lane, event.seq, 0}.text();
}

}  // namespace sluice::projection
