// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>

#include "cli/append_pipeline.hpp"
#include "cli/event_feed.hpp"
#include "cli/import_row.hpp"
#include "cli/program.hpp"
#include "cli/units.hpp"

namespace sluice::cli {
namespace {

using core::Errc;
using core::fail;
using core::Result;

constexpr const char* kDescription =
    "Makes one event of each row of a CSV file, in the file's order, rows with the same time "
    "included. The first row names the columns: the time column becomes the event's occurred_at "
    "(RFC 3339; without a zone it is taken as UTC), and every other column a field of its data. A "
    "field that is written as a number is one, an empty field is null, anything else is text; "
    "--text keeps a column as text.\n"
    "\n"
    "The file is checked as a whole before the first event is sent, so that a malformed row leaves "
    "nothing half done. It must be strict CSV: commas, fields with commas or quotes inside double "
    "quotes, as many fields in every row as in the header.\n"
    "\n"
    "Each event's id follows from the stream, the type and all rows up to its own. Importing the "
    "same file again, or one to which rows were added at the end, therefore doubles nothing while "
    "the gateway still knows the ids (by default until 24 h after the hub has the events), and an "
    "import that was interrupted can simply be started again.";

constexpr const char* kExamples =
    " $ sluice import machine.csv --stream machine/1 --type Reading \\\n"
    "     --time timestamp\n"
    " 22,695 appended in 2 s\n";

constexpr std::chrono::milliseconds kWait{500};

struct Options {
  std::string file;
  ImportRows rows;
  std::string retry_for = "2min";
  bool quiet = false;
};

class Importer {
 public:
  Importer(Program& program, const Options& given, std::chrono::nanoseconds patience)
      : given_(given),
        output_(program.output),
        progress_(program.output, "import", "bytes", file_bytes(given.file)),
        report_(program.output, progress_, given.quiet),
        pipeline_(program.gateway, {.patience = patience}, clock_,
                  [this](const AppendPipeline::Answer& a) {
                    report_.answered(a.tag, a.result, a.resent);
                  }) {}

  ExitCode run() {
    if (const auto checked = each_row(false); !checked) return refuse(checked.error());
    if (const auto there = pipeline_.connect(); !there) return refuse(there.error());
    const std::uint64_t start = clock_.monotonic_ns();
    ExitCode code = ExitCode::kOk;
    if (const auto done = each_row(true); !done) code = refuse(done.error());
    const double seconds = static_cast<double>(clock_.monotonic_ns() - start) / 1e9;
    code = worse(code, report_.finish(pipeline_.reconnects(), seconds));
    if (report_.failed_any())
      output_.note(
          "Stopped there. Once the reason is gone, import the file again: what is in the "
          "log already is not doubled.");
    return code;
  }

 private:
  static std::uint64_t file_bytes(const std::string& file) {
    std::error_code unknown;
    const auto size = std::filesystem::file_size(file, unknown);
    return unknown ? 0 : size;
  }

  ExitCode refuse(const core::Error& error) {
    progress_.wipe();
    output_.problem(error, "import " + given_.file);
    return exit_code(error.code);
  }

  Result<void> each_row(bool send) {
    std::ifstream file(given_.file, std::ios::binary);
    if (!file) return fail(Errc::kNotFound, "the file cannot be opened");
    auto csv = CsvReader::open(file);
    if (!csv) return csv.error();
    auto maker = EventMaker::create(given_.rows, csv->columns());
    if (!maker) return maker.error();
    for (;;) {
      const auto row = csv->next();
      if (!row) return row.error();
      if (!*row) break;
      auto event = maker->event_of(**row);
      if (!event) return event.error();
      if (!send) continue;
      while (!pipeline_.has_room()) SLUICE_TRY(step(*csv));
      if (report_.failed_any()) break;
      pipeline_.add((*row)->line, event->append_params());
    }
    while (send && !pipeline_.idle()) SLUICE_TRY(step(*csv));
    return {};
  }

  Result<void> step(const CsvReader& csv) {
    const auto done = pipeline_.step(-1, kWait);
    if (!done) return done.error();
    progress_.advance_to(csv.bytes_read(),
                         pipeline_.connected() ? "" : "(waiting for the gateway)");
    return {};
  }

  const Options& given_;
  core::SystemClock clock_;
  Output& output_;
  Progress progress_;
  FeedReport report_;
  AppendPipeline pipeline_;
};

ExitCode run_import(Program& program, const Options& given) {
  const auto patience = parse_duration(given.retry_for, "--retry-for");
  if (!patience) {
    program.output.problem(patience.error(), "import");
    return ExitCode::kUsage;
  }
  return Importer(program, given, *patience).run();
}

}  // namespace

void add_import(Program& program) {
  auto given = std::make_shared<Options>();
  CLI::App& verb =
      program.verb("import", "make events of the rows of a CSV file",
                   {"sluice import FILE.csv --stream S --type T --time COLUMN [options]",
                    kDescription, kExamples});
  verb.add_option("FILE", given->file, "The CSV file.")->required();
  verb.add_option("--stream", given->rows.stream, "The stream that all events belong to.")
      ->required()
      ->type_name("S");
  verb.add_option("--type", given->rows.type, "The type of all events.")
      ->required()
      ->type_name("T");
  verb.add_option("--time", given->rows.time_column, "The column with the time.")
      ->required()
      ->type_name("COLUMN");
  verb.add_option("--text", given->rows.text_columns,
                  "A column that stays text even where it looks like a number; may be repeated.")
      ->type_name("COLUMN")
      ->allow_extra_args(false);
  verb.add_option("--retry-for", given->retry_for,
                  "How long a gateway that went away is waited for.")
      ->type_name("D")
      ->capture_default_str();
  verb.add_flag("--quiet", given->quiet, "Only failures and the summary, no answer per row.");
  program.on_run(verb, [&program, given] { return run_import(program, *given); });
}

}  // namespace sluice::cli
