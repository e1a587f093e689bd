// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "cli/program.hpp"
#include "core/signature.hpp"
#include "storage/card_view.hpp"
#include "storage/log_reader.hpp"
#include "sync/uplink_settings.hpp"

// What the verbs of `sluice bundle` share: which gateway's log, and which key.
namespace sluice::cli {

struct BundlePlace {
  std::string config = "/etc/sluice/sluice.toml";
  std::string state;     // a dead gateway's state folder; then no configuration is read
  std::string sign_key;  // a file; empty: the gateway's own key
};
void add_place_options(CLI::App& verb, BundlePlace& place);

// The gateway of that place. kConfig: its configuration is bad or missing.
struct BundleGateway {
  sync::UplinkSettings settings;  // defaults but for `state`, if only that is known
  bool is_card = false;           // never written to
  bool is_running = false;        // sluiced is there
  std::filesystem::path own_key() const {
    return std::filesystem::path(settings.state) / "keys/bundle.key";
  }
};
core::Result<BundleGateway> find_gateway(const BundlePlace& place);

struct OpenedLog {
  std::optional<storage::CardView> card;
  std::unique_ptr<storage::LogReader> reader;
};
// Beside a running sluiced the log itself; else, without touching a file of it (what SQLite would
// leave there might belong to another user), through a view of it.
core::Result<OpenedLog> open_log(const BundleGateway& gateway);

// The key that signs. Made at first use, but never on a card.
core::Result<core::SigningKey> signing_key(const BundlePlace& place, const BundleGateway& gateway);

ExitCode refuse_bundle(Program& program, const core::Error& error, const char* what);

void add_bundle_export(Program& program, CLI::App& bundle);
void add_bundle_import(Program& program, CLI::App& bundle);
void add_bundle_receipt(Program& program, CLI::App& bundle);

}  // namespace sluice::cli
