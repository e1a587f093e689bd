// SPDX-License-Identifier: Apache-2.0
#include "cli/finding.hpp"

#include <cstdio>

namespace sluice::cli {
namespace {

namespace json = core::json;

const char* word(Finding::State state) {
  switch (state) {
    case Finding::State::kOk:
      return "ok";
    case Finding::State::kWarning:
      return "warning";
    case Finding::State::kFailed:
      return "FAILED";
    case Finding::State::kSkipped:
      return "skipped";
  }
  return "unknown";
}

void print(Output& output, const std::string& name, const Finding& finding, double took_ms) {
  if (output.json()) {
    json::object document{
        {"check", name},
        {"state", finding.state == Finding::State::kFailed ? "failed" : word(finding.state)},
        {"found", finding.words},
        {"next_step", finding.next_step},
        {"ms", took_ms}};
    if (!finding.figures.empty()) document["figures"] = finding.figures;
    output.document(document);
  } else {
    char head[64];
    std::snprintf(head, sizeof head, "%-14s %-8s %8.1f ms  ", name.c_str(), word(finding.state),
                  took_ms);
    output.line(head + finding.words);
    if (!finding.next_step.empty()) output.line(std::string(36, ' ') + "-> " + finding.next_step);
  }
  output.flush();
}

}  // namespace

ExitCode examine(Output& output, const core::Clock& clock, const std::vector<Check>& checks) {
  ExitCode code = ExitCode::kOk;
  for (const Check& check : checks) {
    const std::uint64_t begin = clock.monotonic_ns();
    const std::vector<Finding> findings = check.run();
    const double took_ms = static_cast<double>(clock.monotonic_ns() - begin) / 1e6;
    for (const Finding& finding : findings) {
      print(output, check.name, finding, took_ms);
      if (finding.state == Finding::State::kFailed) code = ExitCode::kOther;
    }
  }
  return code;
}

}  // namespace sluice::cli
