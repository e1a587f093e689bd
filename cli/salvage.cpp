// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "cli/log_place.hpp"
#include "storage/salvage_log.hpp"

namespace sluice::cli {
namespace {

namespace json = core::json;

constexpr const char* kDescription =
    "Reads every segment of a gateway's log, and where one is damaged, keeps each event that can "
    "still be read: they go, with their seqs and their bytes, into a new segment, and the damaged "
    "file is moved to <state>/log/damaged, as it is. What cannot be read is replaced by gap "
    "records, "
    "which travel to the hub in the very place of the lost events.\n"
    "\n"
    "A start of sluiced does the same for a segment that it cannot open and for the newest of each "
    "lane; this does it for all, at once. Stop sluiced before: it takes the log's lock. It ends "
    "with "
    "0, whether there was something to do or not, and with 1 if something stood in its way.";

constexpr const char* kExamples =
    " $ systemctl stop sluiced\n"
    " $ sluice salvage --dry-run\n"
    " telemetry 00000000000000000001-3fa8c2e1.seg  19,952 of 20,000 events can be kept, 48 are "
    "lost:\n"
    " database disk image is malformed\n"
    " $ sluice salvage\n";

struct Options {
  LogPlace place;
  bool dry_run = false;
};

std::string line_of(const storage::SalvagedSegment& one, bool dry_run) {
  const std::string total = with_thousands(one.kept + one.lost);
  return std::string(core::lane_name(one.lane)) + " " + one.file + "  " + with_thousands(one.kept) +
         " of " + total + (dry_run ? " events can be kept, " : " events were kept, ") +
         with_thousands(one.lost) + " are lost: " + one.reason;
}

ExitCode run_salvage(Program& program, const Options& given) {
  const auto refuse = [&](const core::Error& error) {
    program.output.problem(error, "salvage");
    return exit_code(error.code);
  };
  const auto folder = given.place.log();
  if (!folder) return refuse(folder.error());
  core::SystemRandom random;
  std::unique_ptr<Progress> bar;
  const auto done = storage::salvage_log(
      *folder, given.dry_run, random, [&](std::uint64_t segments, std::uint64_t total) {
        if (!bar) bar = std::make_unique<Progress>(program.output, "salvage", "segments", total);
        bar->advance_to(segments);
      });
  bar.reset();
  if (!done) return refuse(done.error());
  json::array list;
  for (const storage::SalvagedSegment& one : *done) {
    list.push_back(json::object{{"lane", core::lane_name(one.lane)},
                                {"file", one.file},
                                {"first", one.first},
                                {"last", one.last},
                                {"kept", one.kept},
                                {"lost", one.lost},
                                {"reason", one.reason}});
    if (!program.output.json()) program.output.line(line_of(one, given.dry_run));
  }
  if (program.output.json())
    program.output.document(
        json::object{{"dry_run", given.dry_run}, {"salvaged", std::move(list)}});
  else if (done->empty())
    program.output.line("Every segment reads whole: there is nothing to do");
  return ExitCode::kOk;
}

}  // namespace

void add_salvage(Program& program) {
  auto given = std::make_shared<Options>();
  CLI::App& verb = program.verb(
      "salvage", "keep what a damaged log still holds",
      {"sluice salvage [--state DIR | --config FILE] [--dry-run]", kDescription, kExamples});
  add_log_place(verb, given->place);
  verb.add_flag("--dry-run", given->dry_run, "Only say what would be done.");
  program.on_run(verb, [&program, given] { return run_salvage(program, *given); });
}

}  // namespace sluice::cli
