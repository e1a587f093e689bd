// SPDX-License-Identifier: Apache-2.0
#include <poll.h>

#include <algorithm>
#include <memory>

#include "cli/event_source.hpp"
#include "cli/event_text.hpp"
#include "cli/gateway.hpp"
#include "cli/program.hpp"
#include "cli/units.hpp"
#include "rpc/pack.hpp"
#include "rpc/value.hpp"

namespace sluice::cli {
namespace {

using core::Errc;
using core::fail;
using core::Lane;
using core::Result;

constexpr const char* kDescription =
    "Prints the newest events of the log, lane by lane, and with --follow every event from then "
    "on, as soon as it is on the gateway's disk. Within a lane the order is that of the log; "
    "between lanes there is none.\n"
    "\n"
    "With --state it reads a state folder itself, without a running gateway. It never writes "
    "there.";

constexpr const char* kExamples =
    " $ sluice tail --lane alarm --follow\n"
    " $ sluice tail --limit 1000 --json | jq -r .type | sort | uniq -c\n"
    " $ sluice tail --lane telemetry --from 1 --limit 0 --state /mnt/card/var/lib/sluice\n";

struct Options {
  std::string lane;
  std::uint64_t limit = 10;  // 0: all
  std::uint64_t from = 0;    // 0: the newest `limit`
  bool follow = false;
  std::string state;
};

struct Cursor {
  Lane lane;
  core::Seq next;
};

// Prints what the log holds of one lane now; gives the seq that comes next.
Result<core::Seq> print_lane(Output& output, EventSource& source, Lane lane, const Options& given) {
  const auto bounds = source.bounds(lane);
  if (!bounds) return bounds.error();
  core::Seq at = std::max(given.from, bounds->first);
  if (given.from == 0 && given.limit > 0 && bounds->last >= given.limit)
    at = std::max(bounds->first, bounds->last - given.limit + 1);
  std::uint64_t left = given.limit == 0 ? UINT64_MAX : given.limit;
  while (left > 0 && at <= bounds->last && output.good()) {
    const auto page = source.lane(lane, at, std::min<std::uint64_t>(left, 256));
    if (!page) return page.error();
    if (page->bodies.empty()) break;
    for (const std::string& body : page->bodies) SLUICE_TRY(print_event(output, body));
    left -= std::min<std::uint64_t>(left, page->bodies.size());
    at = page->next;
  }
  return at;
}

// One connection per lane: `follow` gives a lane's past and then its present without a hole.
Result<void> follow(Program& program, const std::vector<Cursor>& cursors) {
  std::vector<rpc::BlockingClient> clients;
  std::vector<pollfd> files;
  for (const Cursor& cursor : cursors) {
    auto client = connect_gateway(program.gateway);
    if (!client) return client.error();
    rpc::Packer params;
    params.array(1).map(2).text("lane").text(core::lane_name(cursor.lane));
    params.text("from").unsigned_integer(cursor.next);
    if (const auto answer = client->call("follow", params.str()); !answer) return answer.error();
    files.push_back({client->native_handle(), POLLIN, 0});
    clients.push_back(std::move(*client));
  }
  while (program.output.good()) {
    for (rpc::BlockingClient& client : clients) {
      for (;;) {
        const auto came = client.receive_for(std::chrono::milliseconds(0));
        if (!came) return came.error();
        if (!*came) break;
        if ((*came)->method == "end")  // the gateway ends a follower that it cannot serve
          return fail(Errc::kUnavailable, "the gateway ended this; start it again");
        if ((*came)->method != "event" || !(*came)->body) continue;
        const auto params = rpc::Value::parse(*(*came)->body);
        if (!params) return params.error();
        SLUICE_TRY(print_event(program.output, params->at(0).bytes().value_or("")));
      }
    }
    program.output.flush();
    poll(files.data(), files.size(), 1000);
  }
  return {};
}

Result<void> tail(Program& program, const Options& given) {
  if (given.follow && !given.state.empty())
    return fail(Errc::kBadRequest,
                "--state is for a gateway that does not run: leave out --follow");
  std::vector<Lane> lanes(core::kLanes.begin(), core::kLanes.end());
  if (!given.lane.empty()) {
    const auto lane = core::parse_lane(given.lane);
    if (!lane) return lane.error();
    lanes = {*lane};
  } else if (given.from > 0) {
    return fail(Errc::kBadRequest, "--from is a seq of one lane: name it with --lane");
  }
  auto source = given.state.empty() ? gateway_source(program.gateway) : folder_source(given.state);
  if (!source) return source.error();
  std::vector<Cursor> cursors;
  for (const Lane lane : lanes) {
    const auto next = print_lane(program.output, **source, lane, given);
    if (!next) return next.error();
    cursors.push_back({lane, *next});
  }
  program.output.flush();
  if (!given.follow) return {};
  return follow(program, cursors);
}

}  // namespace

void add_tail(Program& program) {
  auto given = std::make_shared<Options>();
  CLI::App& verb = program.verb("tail", "print the log's newest events, and follow it",
                                {"sluice tail [--lane L] [--limit N] [--follow]\n"
                                 "sluice tail [--lane L [--from SEQ]] [--limit N] --state DIR",
                                 kDescription, kExamples});
  verb.add_option("--lane", given->lane, "alarm, system, telemetry or bulk; all if not given.")
      ->type_name("L");
  verb.add_option("--limit", given->limit, "How many of each lane; 0 for all.")
      ->type_name("N")
      ->check([](const std::string& text) { return check_whole_number(text, 0); })
      ->capture_default_str();
  verb.add_option("--from", given->from, "Begin at this seq of the lane.")
      ->type_name("SEQ")
      ->check([](const std::string& text) { return check_whole_number(text, 1); });
  verb.add_flag("-f,--follow", given->follow, "Go on with what comes, until Ctrl-C.");
  verb.add_option("--state", given->state, "Read this state folder, not a running gateway.")
      ->type_name("DIR");
  program.on_run(verb, [&program, given] {
    const auto done = tail(program, *given);
    if (done) return ExitCode::kOk;
    program.output.problem(done.error(), "tail");
    return exit_code(done.error().code);
  });
}

}  // namespace sluice::cli
