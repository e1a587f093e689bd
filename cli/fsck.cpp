// SPDX-License-Identifier: Apache-2.0
#include "storage/fsck.hpp"

#include <memory>

#include "cli/log_place.hpp"

namespace sluice::cli {
namespace {

namespace json = core::json;

constexpr const char* kDescription =
    "Checks a gateway's log on disk: each event's checksum, seq, version and id, the hash chain "
    "against every hash that the gateway told, epochs, anchors, and the indexes of sealed "
    "segments.\n"
    "\n"
    "It writes nothing in or beside the log, so it may run while sluiced does, and on a card that "
    "is "
    "mounted read-only. A segment that was not closed cleanly is looked at in a copy in $TMPDIR.\n"
    "\n"
    "It ends with 0 if nothing is wrong and with 1 if damage was found; JSON says what, in which "
    "file and which seqs. Events for which a gap record stands are counted, but are no new damage. "
    "'sluice salvage', or a start of sluiced, deals with what was found.";

constexpr const char* kExamples =
    " $ sluice fsck --state /mnt/card/var/lib/sluice\n"
    " telemetry 00000000000000000001-3fa8c2e1.seg  row 812 to 845: rows are missing or do not "
    "match\n"
    " their checksum\n"
    " 1 flaw in 4 segments, 20,010 events\n";

std::string line_of(const storage::Flaw& flaw) {
  std::string line(core::lane_name(flaw.lane));
  if (!flaw.file.empty()) line += " " + flaw.file;
  line += "  " + flaw.what;
  if (flaw.from > 0) line += " " + std::to_string(flaw.from);
  if (flaw.to > flaw.from) line += " to " + std::to_string(flaw.to);
  return line + ": " + flaw.words;
}

json::object document_of(const storage::FsckResult& result) {
  json::array flaws;
  for (const storage::Flaw& flaw : result.flaws) {
    json::object one{{"lane", core::lane_name(flaw.lane)}, {"what", flaw.what}};
    if (!flaw.file.empty()) one["file"] = flaw.file;
    if (flaw.from > 0) one["from"] = flaw.from;
    if (flaw.from > 0) one["to"] = flaw.to;
    one["words"] = flaw.words;
    flaws.push_back(std::move(one));
  }
  return {{"gateway", result.gateway},
          {"clean", result.flaws.empty()},
          {"segments", result.segments},
          {"events", result.events},
          {"bytes", result.bytes},
          {"hashes_agreed", result.hashes},
          {"known_missing", result.known_missing},
          {"set_aside_files", result.set_aside_files},
          {"flaws", std::move(flaws)}};
}

ExitCode run_fsck(Program& program, const LogPlace& place) {
  const auto refuse = [&](const core::Error& error) {
    program.output.problem(error, "fsck");
    return exit_code(error.code);
  };
  const auto folder = place.log();
  if (!folder) return refuse(folder.error());
  std::unique_ptr<Progress> bar;
  const auto result = storage::check_log(*folder, [&](std::uint64_t done, std::uint64_t total) {
    if (!bar) bar = std::make_unique<Progress>(program.output, "fsck", "bytes", total);
    bar->advance_to(done);
  });
  bar.reset();
  if (!result) return refuse(result.error());
  if (program.output.json()) {
    program.output.document(document_of(*result));
  } else {
    for (const storage::Flaw& flaw : result->flaws) program.output.line(line_of(flaw));
    const std::string found = result->flaws.empty()
                                  ? "No flaw"
                                  : std::to_string(result->flaws.size()) +
                                        (result->flaws.size() == 1 ? " flaw" : " flaws");
    program.output.line(found + " in " + std::to_string(result->segments) + " segments, " +
                        with_thousands(result->events) + " events, " +
                        with_thousands(result->hashes) + " chain hashes agree");
    if (result->known_missing > 0)
      program.output.line(with_thousands(result->known_missing) +
                          " events are known to be missing: gap records stand for them");
    if (result->set_aside_files > 0)
      program.output.line("Damaged segments lie in " + (*folder / "damaged").string() +
                          "; delete them when nobody needs them any more");
  }
  return result->flaws.empty() ? ExitCode::kOk : ExitCode::kOther;
}

}  // namespace

void add_fsck(Program& program) {
  auto place = std::make_shared<LogPlace>();
  CLI::App& verb =
      program.verb("fsck", "check a gateway's log on disk",
                   {"sluice fsck [--state DIR | --config FILE]", kDescription, kExamples});
  add_log_place(verb, *place);
  program.on_run(verb, [&program, place] { return run_fsck(program, *place); });
}

}  // namespace sluice::cli
