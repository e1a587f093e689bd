// SPDX-License-Identifier: Apache-2.0
#include "cli/bundle.hpp"

#include "cli/event_source.hpp"
#include "cli/key_file.hpp"
#include "core/json.hpp"
#include "rpc/blocking_client.hpp"

namespace sluice::cli {

namespace {

using core::Errc;
using core::fail;
using core::Result;
namespace json = core::json;

constexpr const char* kAbout =
    "Carries events by hand where no link goes. At the gateway, export writes what the hub lacks "
    "into signed files on a stick; at the centre, import checks them and publishes the events as "
    "the gateway's own uplink would; the receipt that it writes goes back to the gateway, which "
    "then need not send them again. Nothing is applied twice, whatever is imported again, and in "
    "whatever order. docs/bundle-format.md describes the files.";

constexpr const char* kKeyText =
    "Prints the public key that a gateway's bundles are signed with, as the line that the centre "
    "puts into the file of import's --trust, and its fingerprint, for comparing by voice. The key "
    "is drawn when it is first needed and lies in <state>/keys, readable by its owner alone.\n"
    "\n"
    "With --sign-key it is about that file, which is made if it is missing: the centre draws its "
    "own key so, with which import signs receipts. Its public key goes into each gateway's "
    "configuration as receipt_key of [uplink].";

constexpr const char* kKeyExamples =
    " $ sluice bundle key\n"
    " plant-7 dzvxhTqoqWbAJ3KZeTZ6HLSDPKpoYyDQ7Aaqim06hqM=\n"
    " fingerprint 3f28-a002-3a5e-7f68-4b2b-f882\n"
    " $ sluice bundle key --sign-key /etc/sluice/centre.key\n";

ExitCode print_key(Program& program, const BundlePlace& place) {
  std::string name;
  BundleGateway gateway;
  if (place.sign_key.empty() || !place.state.empty()) {
    auto found = find_gateway(place);
    if (!found) return refuse_bundle(program, found.error(), "bundle key");
    gateway = std::move(*found);
    name = gateway.settings.id;
  }
  const auto key = signing_key(place, gateway);
  if (!key) return refuse_bundle(program, key.error(), "bundle key");
  const std::string text = core::key_text(key->public_key());
  const std::string print = core::fingerprint(key->public_key());
  if (program.output.json()) {
    json::object document{{"key", text}, {"fingerprint", print}};
    if (!name.empty()) document["gateway"] = name;
    program.output.document(document);
    return ExitCode::kOk;
  }
  program.output.line(name.empty() ? text : name + " " + text);
  program.output.line("fingerprint " + print);
  return ExitCode::kOk;
}

}  // namespace

void add_place_options(CLI::App& verb, BundlePlace& place) {
  verb.add_option("--config", place.config, "The gateway's configuration.")
      ->type_name("FILE")
      ->capture_default_str();
  verb.add_option("--state", place.state,
                  "The state folder of a gateway that does not run, as on a dead one's card. It is "
                  "only read, and no configuration is.")
      ->type_name("DIR");
  verb.add_option("--sign-key", place.sign_key, "Sign with the key in this file.")
      ->type_name("FILE");
}

Result<BundleGateway> find_gateway(const BundlePlace& place) {
  BundleGateway out;
  if (place.state.empty()) {
    auto settings = sync::load_uplink_settings(place.config);
    if (!settings) {
      core::Error error = settings.error();
      error.message +=
          "; name the gateway's configuration with --config, or a card's state folder "
          "with --state";
      return error;
    }
    out.settings = std::move(*settings);
    out.is_running = rpc::BlockingClient::connect(out.settings.socket()).has_value();
    return out;
  }
  out.is_card = true;
  out.settings.state = place.state;
  auto reader = open_log(out);
  if (!reader) return reader.error();
  out.settings.id = reader->reader->gateway().text();
  return out;
}

Result<OpenedLog> open_log(const BundleGateway& gateway) {
  OpenedLog out;
  std::filesystem::path folder = gateway.settings.log_folder();
  if (!gateway.is_running) {
    auto card = storage::CardView::open(log_folder(gateway.settings.state));
    if (!card) return card.error();
    out.card.emplace(std::move(*card));
    folder = out.card->folder();
  }
  auto reader = storage::LogReader::open(folder);
  if (!reader) return reader.error();
  out.reader = std::move(*reader);
  return out;
}

Result<core::SigningKey> signing_key(const BundlePlace& place, const BundleGateway& gateway) {
  const bool is_own = place.sign_key.empty();
  const std::filesystem::path file =
      is_own ? gateway.own_key() : std::filesystem::path(place.sign_key);
  auto key = load_key(file);
  if (key || key.error().code != Errc::kNotFound) return key;
  if (is_own && gateway.is_card)
    return fail(Errc::kNotFound,
                "this gateway never had a key (" + file.string() +
                    "), and a card is not written to: draw one with 'sluice bundle key --sign-key "
                    "FILE', let the centre trust it, and give it with --sign-key");
  return make_key(file);
}

ExitCode refuse_bundle(Program& program, const core::Error& error, const char* what) {
  program.output.problem(error, what);
  return exit_code(error.code);
}

void add_bundle(Program& program) {
  CLI::App& bundle = program.verb("bundle", "carry events to the hub by hand",
                                  {"sluice bundle export ...\nsluice bundle import ...\n"
                                   "sluice bundle receipt ...\nsluice bundle key ...",
                                   kAbout, ""});
  bundle.require_subcommand(1);
  add_bundle_export(program, bundle);
  add_bundle_import(program, bundle);
  add_bundle_receipt(program, bundle);

  auto place = std::make_shared<BundlePlace>();
  CLI::App& key = program.verb("key", "print the key that a gateway's bundles are signed with",
                               {"sluice bundle key [--config FILE | --state DIR]\n"
                                "sluice bundle key --sign-key FILE",
                                kKeyText, kKeyExamples},
                               &bundle);
  add_place_options(key, *place);
  program.on_run(key, [&program, place] { return print_key(program, *place); });
}

}  // namespace sluice::cli
