// SPDX-License-Identifier: Apache-2.0
#include "sync/bundle_receipt.hpp"

#include "cli/bundle.hpp"
#include "cli/event_source.hpp"
#include "cli/file_text.hpp"
#include "core/json.hpp"
#include "rpc/blocking_client.hpp"
#include "storage/offline_acks.hpp"
#include "sync/import_turn.hpp"
#include "sync/receipt_use.hpp"

namespace sluice::cli {

namespace {

using core::Errc;
using core::fail;
using core::Result;
namespace json = core::json;

constexpr std::chrono::seconds kStoredWithin{15};

constexpr const char* kDescription =
    "Brings back what 'sluice bundle import' wrote at the centre: the gateway learns what the hub "
    "has, so that its uplink need not send it, and the log may be trimmed once its time has come. "
    "The receipt must be signed with the key that receipt_key of [uplink] names (or "
    "--receipt-key), be of this gateway, and speak of events that this very log wrote. It counts "
    "only from the cursor on: give several receipts at once, in any order.\n"
    "\n"
    "Run it as the user of sluiced. While sluiced does not run, the log's own lock is taken "
    "instead.";

constexpr const char* kExamples = " $ sluice bundle receipt /media/stick/*.receipt\n";

struct Options {
  BundlePlace place;
  std::vector<std::string> files;
  std::string receipt_key;
};

struct Moved {
  core::Lane lane = core::Lane::kTelemetry;
  core::Seq before = 0;
  core::Seq after = 0;
  bool is_told = false;  // to sluiced, which stores it with a commit of its own, soon
};

class Desk {
 public:
  Desk(const BundleGateway& gateway, core::PublicKey trusted)
      : gateway_(gateway), trusted_(trusted) {}

  Result<std::vector<Moved>> take(const std::vector<std::string>& files) {
    std::vector<sync::Receipt> receipts;
    for (const auto& file : files) {
      auto receipt = read(file);
      if (!receipt) return receipt.error();
      receipts.push_back(std::move(*receipt));
    }
    auto log = open_log(gateway_);
    if (!log) return log.error();
    std::vector<Moved> out;
    for (const auto& receipt : sync::joined(std::move(receipts))) {
      const auto state = log->reader->lane_state(receipt.lane);
      if (!state) return state.error();
      auto epochs = log->reader->epochs(receipt.lane);
      if (!epochs) return epochs.error();
      const auto counts = sync::advances(receipt, *state, sync::History(std::move(*epochs)));
      if (!counts) return counts.error();
      out.push_back({receipt.lane, state->acked, std::max(state->acked, receipt.to)});
      if (!*counts) continue;
      const auto told = record(receipt);
      if (!told) return told.error();
      out.back().is_told = *told;
    }
    for (const Moved& moved : out)
      if (moved.is_told) SLUICE_TRY(wait_until_stored(moved, *log->reader));
    return out;
  }

 private:
  Result<sync::Receipt> read(const std::string& file) const {
    const auto bytes = file_text(file);
    if (!bytes) return bytes.error();
    auto receipt = sync::decode_receipt(*bytes);
    if (!receipt) {
      core::Error error = receipt.error();
      error.message = file + ": " + error.message;
      return error;
    }
    if (receipt->key != trusted_)
      return fail(Errc::kUnauthorized, file + ": signed with another key (fingerprint " +
                                           core::fingerprint(receipt->key) +
                                           ") than receipt_key of [uplink]");
    if (receipt->gateway != gateway_.settings.id)
      return fail(Errc::kBadRequest, file + ": it is for gateway " + receipt->gateway + ", not " +
                                         gateway_.settings.id);
    return receipt;
  }

  // True: sluiced was told. False: it is in the log.
  Result<bool> record(const sync::Receipt& receipt) const {
    if (gateway_.is_running) {
      auto client = rpc::BlockingClient::connect(gateway_.settings.socket());
      if (!client) return client.error();
      SLUICE_TRY(tell(*client, receipt));
      return true;
    }
    const auto folder =
        gateway_.is_card ? log_folder(gateway_.settings.state) : gateway_.settings.log_folder();
    auto done = storage::record_acks_offline(folder, receipt.lane, {receipt.anchor});
    if (done) return false;
    if (done.error().code != Errc::kBusy) return done.error();
    core::Error error = done.error();
    error.message += "; sluiced runs, but its " + gateway_.settings.socket().string() +
                     " cannot be used: run this as the user of sluiced";
    return error;
  }

  static Result<void> tell(rpc::BlockingClient& client, const sync::Receipt& receipt) {
    const auto& anchor = receipt.anchor;
    rpc::Packer params;
    params.array(3).text(core::lane_name(receipt.lane)).unsigned_integer(receipt.from);
    params.map(8).text("acked").unsigned_integer(anchor.acked);
    params.text("hub_stream").text(anchor.hub_stream).text("created").text(anchor.created);
    params.text("epoch").text(anchor.epoch.text()).text("seq").unsigned_integer(anchor.seq);
    params.text("hub_seq").unsigned_integer(anchor.hub_seq);
    params.text("subject").text(anchor.subject).text("identity").text(anchor.identity);
    const auto answer = client.call("receipt", params.take());
    if (!answer) return answer.error();
    return {};
  }

  static Result<void> wait_until_stored(const Moved& moved, storage::LogReader& log) {
    const auto end = std::chrono::steady_clock::now() + kStoredWithin;
    while (std::chrono::steady_clock::now() < end) {
      const auto state = log.lane_state(moved.lane);
      if (state && state->acked >= moved.after) return {};
      sync::pause_for(std::chrono::milliseconds(100));
    }
    return fail(Errc::kUnavailable,
                "sluiced took the receipt but has not stored it yet: try again");
  }

  const BundleGateway& gateway_;
  core::PublicKey trusted_;
};

ExitCode run_receipt(Program& program, const Options& given) {
  constexpr const char* kWhat = "bundle receipt";
  const auto gateway = find_gateway(given.place);
  if (!gateway) return refuse_bundle(program, gateway.error(), kWhat);
  const std::string& text =
      given.receipt_key.empty() ? gateway->settings.receipt_key : given.receipt_key;
  if (text.empty())
    return refuse_bundle(program,
                         fail(Errc::kConfig,
                              "whose receipts count is not said: set receipt_key of "
                              "[uplink] to the centre's public key, or give "
                              "--receipt-key"),
                         kWhat);
  const auto key = core::parse_public_key(text);
  if (!key) return refuse_bundle(program, key.error(), kWhat);
  const auto moved = Desk(*gateway, *key).take(given.files);
  if (!moved) return refuse_bundle(program, moved.error(), kWhat);
  for (const auto& one : *moved) {
    const std::string lane(core::lane_name(one.lane));
    if (program.output.json())
      program.output.document(
          json::object{{"lane", lane}, {"cursor_before", one.before}, {"cursor", one.after}});
    else
      program.output.line(one.after == one.before
                              ? lane + ": nothing to do, the cursor is at " +
                                    std::to_string(one.after)
                              : lane + ": the hub has all up to " + std::to_string(one.after) +
                                    " (before: " + std::to_string(one.before) + ")");
  }
  return ExitCode::kOk;
}

}  // namespace

void add_bundle_receipt(Program& program, CLI::App& bundle) {
  auto given = std::make_shared<Options>();
  CLI::App& verb =
      program.verb("receipt", "tell the gateway what the hub has now",
                   {"sluice bundle receipt FILE... [options]", kDescription, kExamples}, &bundle);
  verb.add_option("FILE", given->files, "Receipts.")->required();
  verb.add_option("--config", given->place.config, "The gateway's configuration.")
      ->type_name("FILE")
      ->capture_default_str();
  verb.add_option("--state", given->place.state,
                  "The state folder of a gateway that does not run; its log is written.")
      ->type_name("DIR");
  verb.add_option("--receipt-key", given->receipt_key, "The centre's public key.")
      ->type_name("KEY");
  program.on_run(verb, [&program, given] { return run_receipt(program, *given); });
}

}  // namespace sluice::cli
