// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/program.hpp"
#include "core/event.hpp"
#include "core/result.hpp"
#include "hub/verify/replay.hpp"
#include "projection/model/model.hpp"
#include "sync/nats/login_settings.hpp"

// Building a read model from the hub streams here, up to some instant: what `as-of`, `diff` and
// `stream state` have in common.
namespace sluice::cli {

// Which model, and where its events are.
struct ReplayChoice {
  std::string model;                // a name that the hub is asked for, unless `file` is given
  std::string file;                 // a model file
  std::vector<std::string> shards;  // empty: those that the hub reads, or "main"
  nats::LoginSettings login;
};
void add_replay_options(CLI::App& verb, ReplayChoice& choice);

// A moment of the hub: "2026-11-21T14:00:00Z" (by when the hub stored what it holds), a position
// ("641", "plant:641" if there are several shards), or "now".
struct Instant {
  std::optional<std::int64_t> stored_ns;
  std::optional<std::uint64_t> position;
  std::string shard;  // of the position; empty: the only one
};
core::Result<Instant> parse_instant(const std::string& text);

// The definition: from the file, or as the hub serves it.
core::Result<std::shared_ptr<const projection::Model>> load_model(Program& program,
                                                                  const ReplayChoice& choice);

struct Built {
  struct Place {
    std::string hub_stream;
    hub::ReplayEnd end;
  };
  std::vector<Place> places;
  std::uint64_t messages = 0;
  std::uint64_t applied = 0;
  std::uint64_t held = 0;  // events that wait behind holes
  std::uint64_t parked = 0;
};
struct Build {
  std::shared_ptr<const projection::Model> model;
  Instant until;
  std::filesystem::path into;  // a new SQLite file
  std::string subject;         // narrows what is read, behind the shard; empty: all
  std::function<bool(const core::EventView&)> only;             // empty: every event has effects
  std::function<void(const projection::Incoming&)> on_message;  // hears of each that was read
};
// kBadRequest: `into` is there already. Leaves no half a file: it is made under another name.
core::Result<Built> build_model(Program& program, const ReplayChoice& choice, const Build& build);

core::json::object built_json(const Built& built);
// "EVENTS-main up to message 641 (stored 2026-11-21T03:21:14Z)", one line per hub stream.
std::string built_text(const Built& built);

}  // namespace sluice::cli
