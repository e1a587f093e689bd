// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "cli/append_pipeline.hpp"
#include "cli/exit_code.hpp"
#include "cli/output.hpp"

namespace sluice::cli {

// What became of a run of many events, counted as the answers come, and said in the end. Used by
// `append --jsonl` and `import`.
class FeedReport {
 public:
  FeedReport(Output& output, Progress& progress, bool quiet)
      : output_(output), progress_(progress), quiet_(quiet) {}

  // The answer for one line of input: a document of its own in JSON mode, unless quiet; a failure
  // is always told, with its line.
  void answered(std::uint64_t line, const core::Result<Position>& result, bool resent);
  void refused(std::uint64_t line, const core::Error& error);

  // The summary, and the exit code of the worst answer.
  ExitCode finish(std::uint64_t reconnects, double seconds);

  std::uint64_t answers() const { return appended_ + duplicates_ + failed_; }
  bool failed_any() const { return failed_ > 0; }

 private:
  Output& output_;
  Progress& progress_;
  bool quiet_;
  std::uint64_t appended_ = 0;
  std::uint64_t duplicates_ = 0;  // the gateway had them before this run
  std::uint64_t failed_ = 0;
  std::map<std::string, std::uint64_t> failures_;                        // by error word
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> seqs_;  // by lane: first, last
  std::string gateway_;
  ExitCode worst_ = ExitCode::kOk;
};

}  // namespace sluice::cli
