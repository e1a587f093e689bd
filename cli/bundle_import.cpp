// SPDX-License-Identifier: Apache-2.0
#include "sync/bundle_import.hpp"

#include <algorithm>

#include "cli/bundle.hpp"
#include "cli/file_text.hpp"
#include "cli/key_file.hpp"
#include "cli/nats_login.hpp"
#include "core/json.hpp"
#include "core/text.hpp"

namespace sluice::cli {

namespace {

using core::Errc;
using core::fail;
using core::Result;
namespace json = core::json;
namespace fs = std::filesystem;

constexpr const char* kDescription =
    "Checks bundles from end to end (format, hashes, signature, whether the key is one that "
    "--trust "
    "names for that gateway), and only when all are good publishes their events to the hub, with "
    "the subjects and identities that the gateway's own uplink uses. Read models therefore take "
    "each event once, whatever is imported twice, in parts, or while the gateway is online: the "
    "uplink then waits until the import is done. A file that a receipt says is at the hub already "
    "is passed over, and an interrupted import goes on where its receipt ends.\n"
    "\n"
    "Events of a log that the gateway no longer runs (a dead card's, after a replacement) are "
    "marked as late: they count, but never overwrite newer values (docs/models.md).\n"
    "\n"
    "With --sign-key it writes FILE.receipt beside each file, or into --receipt-dir, for 'sluice "
    "bundle receipt' at the gateway. A folder stands for all bundles in it.";

constexpr const char* kExamples =
    " $ sluice bundle import /media/stick --trust /etc/sluice/trust --sign-key "
    "/etc/sluice/centre.key\n"
    " $ sluice bundle import plant-7-*.slb --trust trust --nats tls://hub.example.com:4222 \\\n"
    "     --creds importer.creds\n";

struct Options {
  std::vector<std::string> files;
  std::string trust, sign_key, receipt_folder, shard = "main";
  nats::LoginSettings login;
};

Result<std::vector<fs::path>> files_of(const std::vector<std::string>& given) {
  std::vector<fs::path> out;
  for (const auto& name : given) {
    std::error_code error;
    if (!fs::is_directory(name, error)) {
      out.emplace_back(name);
      continue;
    }
    std::vector<fs::path> inside;
    for (fs::directory_iterator at(name, error), end; !error && at != end; at.increment(error))
      if (at->path().string().ends_with(sync::kBundleSuffix)) inside.push_back(at->path());
    if (error) return fail(Errc::kIo, "cannot list " + name + ": " + error.message());
    if (inside.empty()) return fail(Errc::kNotFound, "there is no bundle in " + name);
    std::sort(inside.begin(), inside.end());
    out.insert(out.end(), inside.begin(), inside.end());
  }
  return out;
}

Result<sync::TrustList> trust_of(const std::string& file) {
  const auto text = file_text(file);
  if (!text) return fail(Errc::kConfig, "--trust: " + text.error().message, "--trust");
  return sync::TrustList::parse(*text, file);
}

json::object document_of(const sync::ImportedFile& file) {
  json::object out{{"file", file.path.string()},
                   {"gateway", file.gateway},
                   {"lane", core::lane_name(file.lane)},
                   {"from", file.from},
                   {"to", file.to},
                   {"state", file.begun_at == 0 ? "nothing to do" : "imported"},
                   {"begun_at", file.begun_at},
                   {"published", file.published},
                   {"duplicates", file.duplicates},
                   {"late", file.is_late}};
  if (!file.receipt.empty()) out["receipt"] = file.receipt.string();
  return out;
}

std::string words_of(const sync::ImportedFile& file) {
  std::string out = file.path.filename().string() + ": ";
  if (file.begun_at == 0) return out + "nothing to do, its receipt says that the hub has it all";
  out += "lane " + std::string(core::lane_name(file.lane)) + " " + std::to_string(file.begun_at) +
         " to " + std::to_string(file.to) + ", " + with_thousands(file.published) + " published";
  if (file.duplicates != 0) out += ", " + with_thousands(file.duplicates) + " were there";
  if (file.is_late) out += ", late";
  return out;
}

ExitCode run_import(Program& program, const Options& given) {
  constexpr const char* kWhat = "bundle import";
  sync::ImportOrder order;
  auto files = files_of(given.files);
  if (!files) return refuse_bundle(program, files.error(), kWhat);
  auto trust = trust_of(given.trust);
  if (!trust) return refuse_bundle(program, trust.error(), kWhat);
  std::optional<core::SigningKey> key;
  if (!given.sign_key.empty()) {
    auto loaded = load_key(given.sign_key);
    if (!loaded) return refuse_bundle(program, loaded.error(), kWhat);
    key.emplace(std::move(*loaded));
    order.receipt_key = &*key;
  }
  order.files = std::move(*files);
  order.trust = std::move(*trust);
  order.shard = given.shard;
  order.receipt_folder = given.receipt_folder;
  order.hub.login = given.login;
  order.hub.login.urls.clear();
  for (const auto one : core::split(program.nats, ',')) order.hub.login.urls.emplace_back(one);

  std::optional<Progress> bar;
  const char* label = "";
  std::uint64_t shown_total = 0;
  const auto show = [&](const char* what, const char* unit, std::uint64_t done,
                        std::uint64_t total) {
    if (!bar || label != what || shown_total != total) {
      bar.reset();
      bar.emplace(program.output, what, unit, total);
      label = what;
      shown_total = total;
    }
    bar->advance_to(done);
  };
  sync::ImportProgress progress;
  progress.verifying = [&](auto done, auto total) { show("checking", "B", done, total); };
  progress.publishing = [&](auto done, auto total) { show("import", "events", done, total); };
  progress.notice = [&](const std::string& words) {
    if (bar) bar->wipe();
    program.output.note("sluice: " + words);
  };
  core::SystemClock clock;
  const auto imported = sync::import_bundles(order, clock, progress);
  bar.reset();
  if (!imported) return refuse_bundle(program, imported.error(), kWhat);
  for (const auto& file : *imported) {
    if (program.output.json())
      program.output.document(document_of(file));
    else
      program.output.line(words_of(file));
  }
  if (order.receipt_key == nullptr && !program.output.json())
    program.output.note("sluice: no receipts were written: give --sign-key for them");
  return ExitCode::kOk;
}

}  // namespace

void add_bundle_import(Program& program, CLI::App& bundle) {
  auto given = std::make_shared<Options>();
  CLI::App& verb = program.verb(
      "import", "publish a stick's events to the hub",
      {"sluice bundle import FILE... --trust FILE [options]", kDescription, kExamples}, &bundle);
  verb.add_option("FILE", given->files, "Bundles, or folders with them.")->required();
  verb.add_option("--trust", given->trust, "Whose bundles are taken: lines '<gateway> <key>'.")
      ->required()
      ->type_name("FILE");
  auto* sign =
      verb.add_option("--sign-key", given->sign_key, "The centre's key: sign receipts with it.")
          ->type_name("FILE");
  verb.add_option("--receipt-dir", given->receipt_folder, "Where receipts go.")
      ->type_name("DIR")
      ->needs(sign);
  verb.add_option("--shard", given->shard, "The shard; its hub stream is EVENTS-<shard>.")
      ->type_name("NAME")
      ->capture_default_str();
  add_login_options(verb, given->login);
  program.on_run(verb, [&program, given] { return run_import(program, *given); });
}

}  // namespace sluice::cli
