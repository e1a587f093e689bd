// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include "cli/audit_gateway.hpp"
#include "cli/event_source.hpp"
#include "cli/hub.hpp"
#include "cli/hub_stream.hpp"
#include "cli/identity_audit.hpp"
#include "cli/nats_login.hpp"
#include "cli/program.hpp"
#include "core/codec/event_codec.hpp"
#include "core/subject.hpp"
#include "http/router.hpp"

namespace sluice::cli {
namespace {

using core::Errc;
using core::fail;
using core::Result;
namespace json = core::json;

constexpr const char* kDescription =
    "Proves that nothing was lost and nothing doubled: reads every event of a gateway's log, every "
    "message of its hub stream, and (with --model) every row of a read model that counts events by "
    "id, and compares them one by one. The log is read from the running gateway, or from its state "
    "folder with --state.\n"
    "\n"
    "Figures: appended (events in the log), stored (of these, at the hub), applied (of these, in "
    "effect in the model), missing (not everywhere), duplicated (further copies at the hub, and "
    "effects beyond the first), foreign (not of this log). It ends with 0 if the last three are 0, "
    "else with 1. Sluice's own events count as missing or duplicated at the hub, but are in no "
    "other figure.\n"
    "\n"
    "With --gateway ID, a gateway's name and not a path, the gateway itself is not needed: the hub "
    "stream alone is checked, by the hash chain over every event's bytes that the gateway computed "
    "and told in ChainMark and EpochOpened events. It finds holes, bytes that were altered, "
    "messages "
    "under a false name, and epochs that do not follow one another (forked: a lost tail, an old "
    "copy or a clone, which is told but is no failure). Copies beyond the first are counted and "
    "harmless. Events behind the last mark are compared with nothing yet; `vouched for` says how "
    "many were. It ends with 0 if all that is there is what the gateway wrote, else with 1.\n"
    "\n"
    "It reads everything, so it is for tests and for single questions. What the log has trimmed "
    "already counts as foreign. Events that are appended while it runs would count as missing: let "
    "the gateway rest.";

constexpr const char* kExamples =
    " $ sluice audit --shard main --model delivery --table applied\n"
    " {\"gateway\":\"plant-7\",\"appended\":812,\"stored\":812,\"applied\":812,\"missing\":0,\n"
    " \"duplicated\":0,\"foreign\":0,\"examples\":[]}\n"
    "\n"
    "At the hub, of a gateway that may be switched off:\n"
    " $ sluice audit --gateway plant-7 --nats nats://hub:4222 --json | jq .agrees\n"
    " true\n";

struct Options {
  std::string state, shard = "main", model, table = "applied";
  std::string id_column = "id", times_column = "times";
  nats::LoginSettings login;
};

Result<std::string> read_log(EventSource& source, IdentityAudit& audit, Progress& progress) {
  std::string gateway;
  std::uint64_t count = 0;
  for (const core::Lane lane : core::kLanes) {
    const auto bounds = source.bounds(lane);
    if (!bounds) return bounds.error();
    for (core::Seq at = bounds->first; at <= bounds->last;) {
      const auto page = source.lane(lane, at, 256);
      if (!page) return page.error();
      if (page->bodies.empty()) break;
      for (const std::string& body : page->bodies) {
        const auto event = codec::decode_trusted(body);
        if (!event) return event.error();
        gateway = event->gateway;
        audit.in_log(*event);
      }
      at = page->next;
      progress.advance_to(count += page->bodies.size(), "(log)");
    }
  }
  return gateway;
}

Result<void> read_hub(nats::Connection& connection, const std::string& shard,
                      const std::string& gateway, IdentityAudit& audit, Progress& progress) {
  const auto each = [&](const nats::Pulled& one) -> Result<void> {
    const auto subject = core::EventSubject::parse(one.message.subject());
    if (!subject || subject->gateway != gateway) return {};
    const auto identity = one.message_id();
    if (!identity) return fail(Errc::kCorrupt, "a message at the hub has no Nats-Msg-Id");
    // A gap record stands for events that the hub will never have: those count as missing.
    if (const auto parsed = core::Identity::parse(*identity); parsed && parsed->to != 0) return {};
    audit.at_hub(*identity, subject->category == core::kReservedCategory);
    return {};
  };
  return read_hub_stream(connection, shard, "", progress, "(hub stream)", each);
}

Result<void> read_model(const Hub& hub, const Options& given, IdentityAudit& audit,
                        Progress& progress) {
  const std::string path = "/v1/models/" + http::percent_encode(given.model) + "/" +
                           http::percent_encode(given.table) + "?limit=1000";
  std::string page;
  std::uint64_t count = 0;
  for (;;) {
    const auto answer = hub.get(page.empty() ? path : path + "&page=" + http::percent_encode(page));
    if (!answer) return answer.error();
    const json::object* document = answer->if_object();
    const json::value* rows = document != nullptr ? document->if_contains("rows") : nullptr;
    if (rows == nullptr || !rows->is_array())
      return fail(Errc::kCorrupt, "the hub's answer to a query has another form");
    for (const json::value& row : rows->get_array()) {
      const json::value* id =
          row.is_object() ? row.get_object().if_contains(given.id_column) : nullptr;
      const json::value* times =
          row.is_object() ? row.get_object().if_contains(given.times_column) : nullptr;
      if (id == nullptr || !id->is_string() || times == nullptr || !times->is_int64())
        return fail(Errc::kBadRequest, "table " + given.table + " has no text column '" +
                                           given.id_column + "' and whole number '" +
                                           given.times_column + "'");
      audit.applied(std::string(id->get_string()), static_cast<std::uint64_t>(times->get_int64()));
    }
    progress.advance_to(count += rows->get_array().size(), "(model)");
    const json::value* next = document->if_contains("next");
    if (next == nullptr || !next->is_string()) return {};
    page = next->get_string();
  }
}

Result<json::object> audit_all(Program& program, const Options& given, bool& agrees) {
  Progress progress(program.output, "audit", "read", 0);
  IdentityAudit audit;
  auto source = given.state.empty() ? gateway_source(program.gateway) : folder_source(given.state);
  if (!source) return source.error();
  const auto gateway = read_log(**source, audit, progress);
  if (!gateway) return gateway.error();
  auto connection = connect_nats(program.nats, given.login);
  if (!connection) return connection.error();
  SLUICE_TRY(read_hub(**connection, given.shard, *gateway, audit, progress));
  if (!given.model.empty()) SLUICE_TRY(read_model(Hub(program.hub), given, audit, progress));
  const auto figures = audit.figures(!given.model.empty());
  agrees = figures.agrees();
  json::object document{
      {"gateway", *gateway}, {"appended", figures.appended}, {"stored", figures.stored}};
  if (!given.model.empty()) document["applied"] = figures.applied;
  document["missing"] = figures.missing;
  document["duplicated"] = figures.duplicated;
  document["foreign"] = figures.foreign;
  document["examples"] = json::array(figures.examples.begin(), figures.examples.end());
  return document;
}

ExitCode run_audit(Program& program, const Options& given) {
  if (given.state.empty() && given.model.empty() && is_gateway_id(program.gateway))
    return audit_gateway(program, program.gateway, given.shard, given.login);
  bool agrees = false;
  const auto document = audit_all(program, given, agrees);
  if (!document) {
    program.output.problem(document.error(), "audit");
    return exit_code(document.error().code);
  }
  if (program.output.json()) {
    program.output.document(*document);
  } else {
    for (const auto& [name, value] : *document)
      if (name != "examples")
        program.output.line(
            std::string(name) + std::string(12 - std::min<std::size_t>(11, name.size()), ' ') +
            (value.is_string() ? std::string(value.get_string()) : json_text(value)));
    for (const json::value& example : document->at("examples").get_array())
      program.output.line("  " + std::string(example.get_string()));
  }
  return agrees ? ExitCode::kOk : ExitCode::kOther;
}

}  // namespace

void add_audit(Program& program) {
  auto given = std::make_shared<Options>();
  CLI::App& verb =
      program.verb("audit", "compare log, hub stream and read model event by event",
                   {"sluice audit [--state DIR] [--shard NAME] [--model MODEL [--table TABLE]]\n"
                    "sluice audit --gateway ID [--shard NAME] [--nats URL]",
                    kDescription, kExamples});
  verb.add_option("--state", given->state, "Read this state folder, not the running gateway.")
      ->type_name("DIR");
  verb.add_option("--shard", given->shard, "The gateway's shard.")
      ->type_name("NAME")
      ->capture_default_str();
  verb.add_option("--model", given->model, "A model that counts events by id.")->type_name("MODEL");
  verb.add_option("--table", given->table, "Its table.")->type_name("TABLE")->capture_default_str();
  verb.add_option("--id-column", given->id_column, "The column with the event's id.")
      ->type_name("COL")
      ->capture_default_str();
  verb.add_option("--times-column", given->times_column, "The column with the count.")
      ->type_name("COL")
      ->capture_default_str();
  add_login_options(verb, given->login);
  program.on_run(verb, [&program, given] { return run_audit(program, *given); });
}

}  // namespace sluice::cli
