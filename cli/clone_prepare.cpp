// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "cli/log_place.hpp"
#include "core/codec/event_codec.hpp"
#include "storage/folder_lock.hpp"
#include "storage/log_reader.hpp"
#include "storage/segment_file.hpp"

namespace sluice::cli {
namespace {

using core::Errc;
using core::fail;
using core::Result;
namespace fs = std::filesystem;
namespace json = core::json;

constexpr const char* kDescription =
    "Makes a gateway's image fit to be copied to other machines: takes away what must never be in "
    "two places, the log with its epochs and cursors, and the keys that bundles are signed with. "
    "The configuration stays. It refuses while the log holds events that the hub has not "
    "acknowledged: let the uplink send them, export them ('sluice bundle export', 'sluice log "
    "export'), or give --discard-unacked.\n"
    "\n"
    "Each copy then needs, before its first start, what is its own: [gateway] id, the NATS "
    "credentials, and [uplink] machine if that is set. Two copies that start with one id are "
    "recognised as clones at the hub, and the later one stops forwarding.\n"
    "\n"
    "Stop sluiced and sluice-uplink before: it takes the log's lock. Make the image right after, "
    "without a start in between.";

constexpr const char* kExamples =
    " $ systemctl stop sluiced sluice-uplink\n"
    " $ sluice clone-prepare --yes\n"
    " Ready to be copied. Set in each copy, before its first start:\n"
    "   [gateway] id, the NATS credentials, [uplink] machine if it is set\n";

struct Options {
  LogPlace place;
  bool yes = false;
  bool discard_unacked = false;
};

// Events that clients appended and the hub has not acknowledged. What cannot be read counts.
Result<std::uint64_t> unacked(const fs::path& folder) {
  const auto log = storage::LogReader::open(folder);
  if (!log && log.error().code == Errc::kNotFound) return 0;
  if (!log) return log.error();
  std::uint64_t count = 0;
  for (const core::Lane lane : core::kLanes) {
    const auto state = (*log)->lane_state(lane);
    if (!state && state.error().code == Errc::kNotFound) continue;
    if (!state) return state.error();
    for (core::Seq next = state->acked + 1; next <= state->last;) {
      const auto page = (*log)->read_lane(lane, next);
      if (!page) return page.error();
      if (page->empty()) break;
      for (const storage::Record& record : *page) {
        const auto event = codec::decode_trusted(record.body);
        if (!event || !event->is_reserved()) ++count;
      }
      next = page->back().seq + 1;
    }
  }
  return count;
}

// The log goes in one step, so that a half-removed one can never be started.
Result<void> remove_whole(const fs::path& path) {
  const fs::path going = path.string() + ".removing";
  std::error_code error;
  fs::remove_all(going, error);
  if (error) return fail(Errc::kIo, "cannot remove " + going.string() + ": " + error.message());
  if (!fs::exists(path)) return {};
  fs::rename(path, going, error);
  if (error) return fail(Errc::kIo, "cannot remove " + path.string() + ": " + error.message());
  SLUICE_TRY(storage::sync_folder(path.parent_path()));
  fs::remove_all(going, error);
  if (error) return fail(Errc::kIo, "cannot remove " + going.string() + ": " + error.message());
  return storage::sync_folder(path.parent_path());
}

bool is_empty_or_absent(const fs::path& folder, const fs::path& but = {}) {
  std::error_code ignored;
  for (fs::directory_iterator at(folder, ignored), end; !ignored && at != end;
       at.increment(ignored))
    if (at->path().filename() != but) return false;
  return true;
}

bool holds_a_log(const fs::path& log) {
  return std::any_of(core::kLanes.begin(), core::kLanes.end(), [&](core::Lane lane) {
    const auto segments = storage::list_segments(storage::lane_folder(log, lane));
    return segments ? !segments->empty() : segments.error().code != Errc::kNotFound;
  });
}

// A mistyped folder must lose nothing: /var has a log too.
Result<void> check_that_it_is_ours(const fs::path& state) {
  const fs::path log = state / "log";
  std::error_code ignored;
  if (holds_a_log(log)) return {};
  if (!is_empty_or_absent(log, "lock"))
    return fail(Errc::kNotFound, "there is no log in " + log.string() +
                                     ", but something else: is this a gateway's state folder? "
                                     "Nothing was removed");
  const fs::path keys = state / "keys";
  if (!fs::exists(keys / "bundle.key", ignored) && !is_empty_or_absent(keys))
    return fail(Errc::kNotFound, "there is no log in " + state.string() +
                                     ", and no bundle.key in " + keys.string() +
                                     ": is this a gateway's state folder? "
                                     "Nothing was removed");
  return {};
}

Result<json::object> prepare(const Options& given) {
  const auto state = given.place.state_folder();
  if (!state) return state.error();
  SLUICE_TRY(check_that_it_is_ours(*state));
  const fs::path log = *state / "log";
  std::error_code ignored;
  std::uint64_t waiting = 0;
  if (fs::is_directory(log, ignored)) {
    const auto lock = storage::FolderLock::take(log);
    if (!lock) return lock.error();
    const auto count = unacked(log);
    if (!count && !given.discard_unacked) {
      core::Error error = count.error();
      error.message += "; --discard-unacked goes on all the same";
      return error;
    }
    waiting = count ? *count : 0;
    if (waiting > 0 && !given.discard_unacked)
      return fail(Errc::kBadRequest,
                  "the hub has not acknowledged " + std::to_string(waiting) +
                      " events of this log: send or export them, or give --discard-unacked");
    if (!given.yes)
      return fail(Errc::kBadRequest, "this removes " + log.string() + " and " +
                                         (*state / "keys").string() + ": give --yes to do it");
    SLUICE_TRY(remove_whole(log));
  } else if (!given.yes) {
    return fail(Errc::kBadRequest,
                "this removes " + (*state / "keys").string() + ": give --yes to do it");
  } else {
    SLUICE_TRY(remove_whole(log));  // what an interrupted removal left
  }
  SLUICE_TRY(remove_whole(*state / "keys"));
  return json::object{{"state_folder", state->string()},
                      {"discarded_unacked", waiting},
                      {"set", json::array{"[gateway] id", "NATS credentials", "[uplink] machine"}}};
}

ExitCode run_clone_prepare(Program& program, const Options& given) {
  const auto done = prepare(given);
  if (!done) {
    program.output.problem(done.error(), "clone-prepare");
    return exit_code(done.error().code);
  }
  if (program.output.json()) {
    program.output.document(*done);
  } else {
    program.output.line("Ready to be copied. Set in each copy, before its first start:");
    program.output.line("  [gateway] id, the NATS credentials, [uplink] machine if it is set");
  }
  return ExitCode::kOk;
}

}  // namespace

void add_clone_prepare(Program& program) {
  auto given = std::make_shared<Options>();
  CLI::App& verb =
      program.verb("clone-prepare", "make an image fit to be copied",
                   {"sluice clone-prepare --yes [--discard-unacked] [--state DIR | --config FILE]",
                    kDescription, kExamples});
  add_log_place(verb, given->place);
  verb.add_flag("--yes", given->yes, "Do it; without this it only says what it would remove.");
  verb.add_flag("--discard-unacked", given->discard_unacked,
                "Also if events would be lost that the hub does not have.");
  program.on_run(verb, [&program, given] { return run_clone_prepare(program, *given); });
}

}  // namespace sluice::cli
