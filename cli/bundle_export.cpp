// SPDX-License-Identifier: Apache-2.0
#include "sync/bundle_export.hpp"

#include "cli/bundle.hpp"
#include "cli/units.hpp"
#include "core/ids.hpp"
#include "core/json.hpp"
#include "core/machine.hpp"

namespace sluice::cli {

namespace {

using core::Errc;
using core::fail;
using core::Result;
namespace json = core::json;

constexpr std::uint64_t kFileBytesMin = 1u << 20;
constexpr std::uint64_t kFileBytesMax = (2ull << 30) - 1;  // FAT's 4 GiB, and old readers' 2 GiB

constexpr const char* kDescription =
    "Writes what the hub does not have yet, lane by lane in the order of their urgency, into files "
    "in DIR: compressed, signed, each below 2 GiB so that any stick takes them. What was set aside "
    "or trimmed travels as gap records, as it would over the link. A file has its name only when "
    "it "
    "is whole and synced; run it again after an interruption, or later, and it goes on behind the "
    "whole files that are there.\n"
    "\n"
    "The gateway may run meanwhile. With --state it reads a dead gateway's card, without writing "
    "anything to it.\n"
    "\n"
    "It begins behind each lane's cursor. After a loss at the hub begin earlier by hand, with "
    "--all, or with --from and one --lane. It ends with 5 if there was no room for everything.";

constexpr const char* kExamples =
    " $ sluice bundle export --out /media/stick\n"
    " $ sluice bundle export --out /media/stick --lane alarm --lane telemetry --max-bytes 4GiB\n"
    " $ sluice bundle export --out . --state /mnt/card/var/lib/sluice\n";

struct Options {
  BundlePlace place;
  std::string out;
  std::vector<std::string> lanes;
  std::string max_bytes, split = "256MiB", shard;
  std::uint64_t from = 0;
  bool all = false;
  int level = 3;
};

Result<sync::ExportOrder> order_of(const Options& given, const BundleGateway& gateway) {
  sync::ExportOrder order;
  order.folder = given.out;
  order.shard = given.shard.empty() ? gateway.settings.shard : given.shard;
  if (!core::is_shard_name(order.shard))
    return fail(Errc::kBadRequest, "'" + order.shard + "' is not 1 to 32 of a-z, 0-9 and -",
                "--shard");
  order.level = given.level;
  if (!gateway.is_card)
    order.machine =
        gateway.settings.machine.empty() ? core::machine_identity() : gateway.settings.machine;
  if (!given.lanes.empty()) order.lanes.clear();
  for (const core::Lane lane : core::kLanes)
    for (const auto& name : given.lanes)
      if (name == core::lane_name(lane)) order.lanes.push_back(lane);
  if (given.from != 0 && (given.all || order.lanes.size() != 1))
    return fail(Errc::kBadRequest, "--from goes with exactly one --lane, and not with --all");
  if (given.from != 0) order.from = given.from;
  if (given.all) order.from = 0;
  if (!given.max_bytes.empty()) {
    const auto bytes = parse_bytes(given.max_bytes, "--max-bytes");
    if (!bytes) return bytes.error();
    order.bytes_max = *bytes;
  }
  const auto split = parse_bytes(given.split, "--split");
  if (!split) return split.error();
  if (*split < kFileBytesMin || *split > kFileBytesMax)
    return fail(Errc::kBadRequest, "a file has from 1 MiB to just below 2 GiB", "--split");
  order.file_bytes = *split;
  if (!std::filesystem::is_directory(order.folder))
    return fail(Errc::kBadRequest, order.folder.string() + " is no folder: is the stick mounted?",
                "--out");
  return order;
}

json::object document_of(const sync::ExportReport& report, const std::string& gateway,
                         const core::PublicKey& key) {
  json::array lanes, files, kept, useless;
  for (const auto& lane : report.lanes)
    lanes.push_back(json::object{{"lane", core::lane_name(lane.lane)},
                                 {"from", lane.from},
                                 {"to", lane.to},
                                 {"left", lane.left},
                                 {"events", lane.events},
                                 {"gap_records", lane.gaps}});
  for (const auto& file : report.files)
    files.push_back(json::object{{"file", file.path.string()},
                                 {"bytes", file.file_bytes},
                                 {"to", file.trailer.to},
                                 {"events", file.trailer.events}});
  for (const auto& path : report.kept) kept.emplace_back(path.string());
  for (const auto& words : report.useless) useless.emplace_back(words);
  return {{"gateway", gateway},        {"fingerprint", core::fingerprint(key)},
          {"lanes", std::move(lanes)}, {"files", std::move(files)},
          {"kept", std::move(kept)},   {"useless", std::move(useless)}};
}

void print_text(Output& output, const sync::ExportReport& report) {
  Table table({"lane", "from", "to", "events", "left"});
  for (const auto& lane : report.lanes) {
    if (lane.from == 0) continue;
    table.add({std::string(core::lane_name(lane.lane)), std::to_string(lane.from),
               std::to_string(lane.to), with_thousands(lane.events), with_thousands(lane.left)});
  }
  output.lines(table.text());
  for (const auto& file : report.files)
    output.line(file.path.string() + "  " + bytes_in_words(file.file_bytes));
  if (report.files.empty() && report.kept.empty()) output.line("The hub has everything.");
  if (report.files.empty() && !report.kept.empty()) output.line("Everything lies there already.");
}

// Single rows that are damaged travel as gap records; a segment that cannot be opened does not.
core::Error with_advice(core::Error error, const BundleGateway& gateway) {
  if (error.code == Errc::kCorrupt && !gateway.is_running)
    error.message +=
        "; copy the state folder, run 'sluice salvage --state COPY' on the copy, and "
        "export from that";
  return error;
}

ExitCode run_export(Program& program, const Options& given) {
  constexpr const char* kWhat = "bundle export";
  const auto gateway = find_gateway(given.place);
  if (!gateway) return refuse_bundle(program, gateway.error(), kWhat);
  const auto order = order_of(given, *gateway);
  if (!order) return refuse_bundle(program, order.error(), kWhat);
  const auto key = signing_key(given.place, *gateway);
  if (!key) return refuse_bundle(program, key.error(), kWhat);
  auto log = open_log(*gateway);
  if (!log) return refuse_bundle(program, with_advice(log.error(), *gateway), kWhat);
  core::SystemClock clock;
  std::optional<Progress> bar;
  const auto report = sync::export_bundles(
      *log->reader, *order, *key, clock, [&](std::uint64_t done, std::uint64_t total) {
        if (!bar) bar.emplace(program.output, "export", "events", total);
        bar->advance_to(done);
      });
  bar.reset();
  if (!report) return refuse_bundle(program, with_advice(report.error(), *gateway), kWhat);
  for (const auto& words : report->useless) program.output.note("sluice: " + words);
  if (program.output.json())
    program.output.document(document_of(*report, log->reader->gateway().text(), key->public_key()));
  else
    print_text(program.output, *report);
  std::uint64_t left = 0;
  for (const auto& lane : report->lanes) left += lane.left;
  if (left == 0) return ExitCode::kOk;
  program.output.note("sluice: no room for " + with_thousands(left) +
                      " more events: empty the stick once it is imported, or take another, and "
                      "give the receipts back in between (or use --from)");
  return ExitCode::kLimit;
}

}  // namespace

void add_bundle_export(Program& program, CLI::App& bundle) {
  auto given = std::make_shared<Options>();
  CLI::App& verb = program.verb("export", "write what the hub lacks to a stick",
                                {"sluice bundle export --out DIR [options]\n"
                                 "sluice bundle export --out DIR --state DIR [options]",
                                 kDescription, kExamples},
                                &bundle);
  verb.add_option("--out", given->out, "The folder for the files.")->required()->type_name("DIR");
  verb.add_option("--lane", given->lanes, "Only this lane; may be repeated.")
      ->type_name("L")
      ->allow_extra_args(false)
      ->check([](const std::string& name) {
        const auto lane = core::parse_lane(name);
        return lane ? std::string() : lane.error().message;
      });
  verb.add_option("--max-bytes", given->max_bytes,
                  "How much this gateway's files in DIR may take together, as 4GiB.")
      ->type_name("N");
  verb.add_option("--split", given->split, "The largest file.")
      ->type_name("N")
      ->capture_default_str();
  verb.add_option("--from", given->from, "Begin at this seq of the lane, whatever the hub has.")
      ->type_name("SEQ")
      ->check([](const std::string& text) { return check_whole_number(text, 1); });
  verb.add_flag("--all", given->all, "Begin at the first event that the log still has.");
  verb.add_option("--level", given->level, "zstd's level, 1 to 19.")
      ->type_name("N")
      ->check(CLI::Range(1, 19).description(""))
      ->capture_default_str();
  verb.add_option("--shard", given->shard,
                  "The gateway's shard; its configuration's, or main with --state.")
      ->type_name("NAME");
  add_place_options(verb, given->place);
  program.on_run(verb, [&program, given] { return run_export(program, *given); });
}

}  // namespace sluice::cli
