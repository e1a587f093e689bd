// SPDX-License-Identifier: Apache-2.0
#include "cli/append_jsonl.hpp"

#include "cli/append_pipeline.hpp"
#include "cli/event_feed.hpp"
#include "cli/line_reader.hpp"
#include "cli/outgoing_event.hpp"
#include "core/random.hpp"

namespace sluice::cli {
namespace {

using core::Errc;
using core::fail;
using core::Result;

constexpr std::chrono::milliseconds kWait{500};

// Joins the file's lines and the pipeline, on one thread: whichever can go on, does.
class JsonlFeed {
 public:
  JsonlFeed(Output& output, const std::string& gateway, const JsonlRun& run, LineReader lines)
      : lines_(std::move(lines)),
        progress_(output, "append", lines_.file_bytes() > 0 ? "bytes" : "events",
                  lines_.file_bytes()),
        output_(output),
        report_(output, progress_, run.quiet),
        pipeline_(gateway, {.patience = run.patience}, clock_,
                  [this](const AppendPipeline::Answer& a) {
                    report_.answered(a.tag, a.result, a.resent);
                  }) {}

  ExitCode run() {
    if (const auto there = pipeline_.connect(); !there) {
      output_.problem(there.error(), "append");
      return exit_code(there.error().code);
    }
    const std::uint64_t start = clock_.monotonic_ns();
    ExitCode code = ExitCode::kOk;
    if (const auto done = pump(); !done) {
      progress_.wipe();
      output_.problem(done.error(), "append");
      code = exit_code(done.error().code);
    }
    const double seconds = static_cast<double>(clock_.monotonic_ns() - start) / 1e9;
    return worse(code, report_.finish(pipeline_.reconnects(), seconds));
  }

 private:
  Result<void> pump() {
    while (!lines_.ended() || !pipeline_.idle()) {
      while (pipeline_.has_room()) {
        const auto line = lines_.next();
        if (!line) break;
        take(*line);
      }
      const bool wants_lines = pipeline_.has_room() && !lines_.ended();
      const auto more = pipeline_.step(wants_lines ? lines_.fd() : -1, kWait);
      if (!more) return more.error();
      if (*more) SLUICE_TRY(lines_.fill());
      output_.flush();
      progress_.advance_to(lines_.file_bytes() > 0 ? lines_.bytes_read() : report_.answers(),
                           pipeline_.connected() ? "" : "(waiting for the gateway)");
      if (!output_.good()) return fail(Errc::kIo, "stdout takes no more");
    }
    return {};
  }

  void take(const LineReader::Line& line) {
    if (line.too_long)
      return report_.refused(line.number, fail(Errc::kTooLarge, "the line is longer than 1 MiB"));
    if (line.text.find_first_not_of(" \t") == std::string::npos) return;
    auto event = event_from_json(line.text);
    if (!event) return report_.refused(line.number, event.error());
    if (!event->id) event->id = ids_.next(clock_.wall_ns());
    pipeline_.add(line.number, event->append_params());
  }

  core::SystemClock clock_;
  core::SystemRandom random_;
  core::UuidV7 ids_{random_};
  LineReader lines_;
  Progress progress_;
  Output& output_;
  FeedReport report_;
  AppendPipeline pipeline_;
};

}  // namespace

ExitCode append_jsonl(Output& output, const std::string& gateway, const JsonlRun& run) {
  auto lines = LineReader::open(run.file);
  if (!lines) {
    output.problem(lines.error(), "append");
    return ExitCode::kUsage;
  }
  return JsonlFeed(output, gateway, run, std::move(*lines)).run();
}

}  // namespace sluice::cli
