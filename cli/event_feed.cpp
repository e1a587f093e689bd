// SPDX-License-Identifier: Apache-2.0
#include "cli/event_feed.hpp"

#include <algorithm>

#include "core/text.hpp"

namespace sluice::cli {

void FeedReport::answered(std::uint64_t line, const core::Result<Position>& result, bool resent) {
  if (!result) return refused(line, result.error());
  // Our own second attempt finds the first one: for whoever called, that is simply appended.
  const bool known = result->duplicate && !resent;
  ++(known ? duplicates_ : appended_);
  gateway_ = result->gateway;
  auto [lane, is_new] = seqs_.try_emplace(result->lane, result->seq, result->seq);
  lane->second.first = std::min(lane->second.first, result->seq);
  lane->second.second = std::max(lane->second.second, result->seq);
  if (quiet_ || !output_.json()) return;
  core::json::object document{{"line", line}};
  for (auto& [key, value] : result->to_json()) document[key] = value;
  document["duplicate"] = known;
  output_.document(document);
}

void FeedReport::refused(std::uint64_t line, const core::Error& error) {
  ++failed_;
  ++failures_[std::string(core::error_word(error.code))];
  worst_ = worse(worst_, exit_code(error.code));
  progress_.wipe();
  if (output_.json()) {
    core::json::object document{{"line", line}};
    document["error"] = core::error_document(error)["error"];
    output_.document(document);
  }
  output_.note("line " + std::to_string(line) + ": " + core::to_string(error));
}

ExitCode FeedReport::finish(std::uint64_t reconnects, double seconds) {
  progress_.wipe();
  if (output_.json()) {
    core::json::object lanes;
    for (const auto& [lane, seqs] : seqs_)
      lanes[lane] = {{"first_seq", seqs.first}, {"last_seq", seqs.second}};
    core::json::object failures;
    for (const auto& [word, count] : failures_) failures[word] = count;
    output_.document({{"summary",
                       {{"gateway", gateway_},
                        {"appended", appended_},
                        {"duplicates", duplicates_},
                        {"failed", failed_},
                        {"failures", std::move(failures)},
                        {"lanes", std::move(lanes)},
                        {"reconnects", reconnects},
                        {"seconds", seconds}}}});
    return worst_;
  }
  std::string text = with_thousands(appended_) + " appended";
  if (duplicates_ > 0) text += ", " + with_thousands(duplicates_) + " were there before";
  if (failed_ > 0) text += ", " + with_thousands(failed_) + " refused";
  text += " in " + core::human_duration(static_cast<std::int64_t>(seconds * 1e9));
  if (reconnects > 0)
    text += "; the gateway went away " +
            (reconnects == 1 ? std::string("once") : std::to_string(reconnects) + " times") +
            " meanwhile, and what had no answer was sent again";
  output_.line(text);
  for (const auto& [lane, seqs] : seqs_)
    output_.line("  gateway " + gateway_ + ", lane " + lane + ": seq " +
                 with_thousands(seqs.first) + " to " + with_thousands(seqs.second));
  return worst_;
}

}  // namespace sluice::cli
