// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <memory>

#include "cli/log_place.hpp"
#include "cli/shown_text.hpp"
#include "cli/units.hpp"
#include "core/codec/event_codec.hpp"
#include "core/codec/json_data.hpp"
#include "storage/segment_file.hpp"
#include "storage/segment_health.hpp"
#include "storage/segment_pages.hpp"

namespace sluice::cli {
namespace {

using core::Errc;
using core::fail;
using core::Lane;
using core::Result;
using core::Seq;

constexpr const char* kDescription =
    "Writes the events of a gateway's log as JSONL, one event per line in the form of 'sluice read "
    "--json', lane by lane in the order of their seqs: all of it, one lane, or a range. It reads "
    "the "
    "pages of the files itself and writes nothing beside them: a damaged log, a running gateway's "
    "and a read-only card will do.\n"
    "\n"
    "What cannot be read is skipped and said on stderr, and the exit code is then 1. Events that "
    "were trimmed are no part of the log any more.";

constexpr const char* kExamples =
    " $ sluice log export --lane telemetry --from 4711 --to 4720\n"
    " $ sluice log export --state /mnt/card/var/lib/sluice --out rescued.jsonl\n";

struct Options {
  LogPlace place;
  std::string lane;
  Seq from = 1;
  Seq to = 0;  // 0: to the end
  std::string out;
};

class Exporter {
 public:
  Exporter(Output& output, const Options& given, std::FILE* out)
      : output_(output), given_(given), out_(out) {}

  Result<void> lane(const std::filesystem::path& folder, Lane lane) {
    const auto files = storage::list_segments(storage::lane_folder(folder, lane));
    if (!files && files.error().code == Errc::kNotFound) return {};
    if (!files) return files.error();
    is_there_ = true;
    due_ = 0;
    const Seq to = given_.to == 0 ? INT64_MAX : given_.to;
    for (std::size_t i = 0; i < files->size(); ++i) {
      const storage::SegmentFile& file = (*files)[i];
      if (storage::never_committed(file.path)) continue;
      const Seq end = i + 1 < files->size() ? (*files)[i + 1].first - 1 : INT64_MAX;
      if (end < given_.from || file.first > to) continue;
      if (due_ == 0) due_ = std::max(file.first, given_.from);
      SLUICE_TRY(segment(file, std::min(end, to), lane));
    }
    return {};
  }
  bool is_there() const { return is_there_; }
  std::uint64_t written() const { return written_; }
  std::uint64_t missing() const { return missing_; }

 private:
  // A running writer can begin its WAL anew while it is read: then look again.
  Result<void> segment(const storage::SegmentFile& file, Seq end, Lane lane) {
    constexpr int kAttempts = 8;
    for (int attempt = 1;; ++attempt) {
      auto pages = storage::SegmentPages::open(file.path);
      if (!pages && pages.error().code == Errc::kNotFound) return {};
      if (!pages) return pages.error();
      const auto rows = pages->rows();
      if (pages->changed() && attempt < kAttempts) continue;
      bool again = false;
      for (const auto& row : rows) {
        if (row.seq < due_ || row.seq > end) continue;
        const auto body = pages->body(row);
        if (!body && attempt < kAttempts) {
          again = true;
          break;
        }
        SLUICE_TRY(print(row.seq, body.value_or(std::string()), lane));
      }
      if (again) continue;
      if (end < INT64_MAX && due_ <= end) skip(end + 1, lane);
      return {};
    }
  }

  void skip(Seq next, Lane lane) {
    output_.note("sluice: log export: lane " + std::string(core::lane_name(lane)) + ": seq " +
                 std::to_string(due_) + " to " + std::to_string(next - 1) + " cannot be read");
    missing_ += next - due_;
    due_ = next;
  }

  Result<void> print(Seq seq, const std::string& body, Lane lane) {
    const auto event = codec::decode_event(body);
    if (!event || event->seq != seq) return {};  // the next row finds it missing
    if (seq > due_) skip(seq, lane);
    due_ = seq + 1;
    line_.clear();
    codec::event_to_json(*event, line_);
    line_ = shown_json(line_) + '\n';
    if (std::fwrite(line_.data(), 1, line_.size(), out_) != line_.size())
      return fail(Errc::kIo, "the output cannot be written");
    ++written_;
    return {};
  }

  Output& output_;
  const Options& given_;
  std::FILE* out_;
  std::string line_;
  Seq due_ = 0;
  std::uint64_t written_ = 0;
  std::uint64_t missing_ = 0;
  bool is_there_ = false;
};

Result<std::uint64_t> export_log(Output& output, const Options& given, std::FILE* out) {
  const auto folder = given.place.log();
  if (!folder) return folder.error();
  SLUICE_TRY(storage::check_formats(*folder));
  Exporter exporter(output, given, out);
  for (const Lane lane : core::kLanes)
    if (given.lane.empty() || given.lane == core::lane_name(lane))
      SLUICE_TRY(exporter.lane(*folder, lane));
  if (!exporter.is_there()) return fail(Errc::kNotFound, "there is no log in " + folder->string());
  if (std::fflush(out) != 0) return fail(Errc::kIo, "the output cannot be written");
  if (!given.out.empty())
    output.note(with_thousands(exporter.written()) + " events written to " + given.out);
  return exporter.missing();
}

ExitCode run_export(Program& program, const Options& given) {
  const auto refuse = [&](const core::Error& error) {
    core::Error shown = error;
    // Stdout is for events.
    program.output.note("sluice: log export: " + core::to_string(shown));
    return exit_code(error.code);
  };
  if (!given.lane.empty())
    if (const auto lane = core::parse_lane(given.lane); !lane) return refuse(lane.error());
  std::FILE* out = given.out.empty() ? stdout : std::fopen(given.out.c_str(), "wx");
  if (out == nullptr)
    return refuse(fail(Errc::kIo, "cannot make " + given.out + " (is it there already?)"));
  const auto missing = export_log(program.output, given, out);
  if (!given.out.empty() && std::fclose(out) != 0 && missing)
    return refuse(fail(Errc::kIo, given.out + " cannot be written"));
  if (!missing) return refuse(missing.error());
  return *missing == 0 ? ExitCode::kOk : ExitCode::kOther;
}

}  // namespace

void add_log(Program& program) {
  CLI::App& log =
      program.verb("log", "what a log on disk holds",
                   {"sluice log export [options]",
                    "Looks at a gateway's log as files, whether a gateway runs or not.", ""});
  log.require_subcommand(1);
  auto given = std::make_shared<Options>();
  CLI::App& verb =
      program.verb("export", "write events as JSONL",
                   {"sluice log export [--lane LANE] [--from SEQ] [--to SEQ] [--out FILE]\n"
                    "                  [--state DIR | --config FILE]",
                    kDescription, kExamples},
                   &log);
  verb.add_option("--lane", given->lane, "One lane; all if not given.")->type_name("LANE");
  verb.add_option("--from", given->from, "The first seq.")
      ->type_name("SEQ")
      ->check([](const std::string& text) { return check_whole_number(text, 1); })
      ->capture_default_str();
  verb.add_option("--to", given->to, "The last seq; to the end if not given.")
      ->type_name("SEQ")
      ->check([](const std::string& text) { return check_whole_number(text, 1); });
  verb.add_option("--out", given->out, "A new file for the events; stdout if not given.")
      ->type_name("FILE");
  add_log_place(verb, given->place);
  program.on_run(verb, [&program, given] { return run_export(program, *given); });
}

}  // namespace sluice::cli
