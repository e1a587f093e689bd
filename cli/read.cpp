// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>

#include "cli/event_source.hpp"
#include "cli/event_text.hpp"
#include "cli/program.hpp"
#include "cli/units.hpp"

namespace sluice::cli {
namespace {

constexpr const char* kDescription =
    "Prints the events of one stream, oldest first, as far as the gateway's log still holds them. "
    "With --state it reads the state folder itself, which needs no running gateway and writes "
    "nothing: for a dead gateway, or its card in a reader.";

constexpr const char* kExamples =
    " $ sluice read pump/7 --from 12 --limit 2\n"
    " telemetry 4711  2026-11-21T03:14:15.5Z  pump/7 v12  PressureSampled  {\"bar\":4.2}\n"
    " telemetry 4718  2026-11-21T03:14:25.5Z  pump/7 v13  PressureSampled  {\"bar\":4.3}\n"
    "\n"
    " $ sluice read pump/7 --state /mnt/card/var/lib/sluice --json | jq .data\n";

constexpr std::size_t kPage = 256;

struct Options {
  std::string stream;
  std::uint64_t from = 1;
  std::uint64_t limit = 0;  // 0: all
  std::string state;
};

core::Result<std::uint64_t> print_stream(Output& output, EventSource& source,
                                         const core::StreamName& stream, const Options& given) {
  std::uint64_t printed = 0;
  std::uint64_t from = given.from;
  while (output.good()) {
    const std::uint64_t left = given.limit == 0 ? kPage : given.limit - printed;
    if (left == 0) break;
    const auto page = source.stream(stream, from, std::min<std::uint64_t>(left, kPage));
    if (!page) return page.error();
    if (page->bodies.empty()) break;
    for (const std::string& body : page->bodies) SLUICE_TRY(print_event(output, body));
    printed += page->bodies.size();
    from = page->next;
  }
  return printed;
}

ExitCode run_read(Program& program, const Options& given) {
  const auto refuse = [&](const core::Error& error) {
    program.output.problem(error, "read " + given.stream);
    return exit_code(error.code);
  };
  const auto stream = core::StreamName::parse(given.stream);
  if (!stream) return refuse(stream.error());
  auto source = given.state.empty() ? gateway_source(program.gateway) : folder_source(given.state);
  if (!source) return refuse(source.error());
  const auto printed = print_stream(program.output, **source, *stream, given);
  if (!printed) return refuse(printed.error());
  if (*printed == 0 && !program.output.json())
    program.output.note("The log holds no event of " + given.stream +
                        (given.from > 1 ? " from version " + std::to_string(given.from) : "") +
                        ".");
  return ExitCode::kOk;
}

}  // namespace

void add_read(Program& program) {
  auto given = std::make_shared<Options>();
  CLI::App& verb = program.verb(
      "read", "print a stream's events",
      {"sluice read STREAM [--from V] [--limit N] [--state DIR]", kDescription, kExamples});
  verb.add_option("STREAM", given->stream, "The stream, category/entity.")->required();
  verb.add_option("--from", given->from, "The first version to print.")
      ->type_name("V")
      ->check([](const std::string& text) { return check_whole_number(text, 1); })
      ->capture_default_str();
  verb.add_option("--limit", given->limit, "How many at most; all if not given.")
      ->type_name("N")
      ->check([](const std::string& text) { return check_whole_number(text, 1); });
  verb.add_option("--state", given->state, "Read this state folder, not a running gateway.")
      ->type_name("DIR");
  program.on_run(verb, [&program, given] { return run_read(program, *given); });
}

}  // namespace sluice::cli
