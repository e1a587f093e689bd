// SPDX-License-Identifier: Apache-2.0
#include "sync/nats/provision.hpp"

#include <memory>

#include "cli/nats_login.hpp"
#include "cli/program.hpp"
#include "cli/units.hpp"
#include "core/ids.hpp"
#include "core/text.hpp"
#include "sync/nats/hub_rights.hpp"

namespace sluice::cli {
namespace {

using core::Errc;
using core::fail;
using core::Result;
using nats::ProvisionedStream;
namespace json = core::json;

constexpr const char* kDescription =
    "Makes what a shard needs at the hub: the hub stream EVENTS-<shard>, which takes the events of "
    "all its gateways, and the bucket SLUICE-REPORTS, which holds each gateway's last report. What "
    "exists is compared instead, setting by setting; nothing that exists is ever changed or "
    "removed, so that running it again is harmless. All settings are printed.\n"
    "\n"
    "How much the hub keeps is a choice that no default can make: give --max-bytes, and either "
    "--max-age or --keep-forever. When the hub stream is full it refuses new events. They stay in "
    "the gateways, which send them once there is room; nothing old is lost.\n"
    "\n"
    "A server whose max_payload is below 264 KiB (the largest event and 8 KiB) is refused. "
    "--immutable denies removing single messages and purging for good: no server ever lets that be "
    "undone.\n"
    "\n"
    "It ends with 0 if all is as it should be, and with 1 if something differs (or, with --check, "
    "is missing).";

constexpr const char* kExamples =
    " $ sluice provision --max-bytes 10GiB --max-age 90d\n"
    " $ sluice provision --shard north --max-bytes 50GiB --keep-forever --replicas 3 \\\n"
    "     --nats tls://hub.example.com:4222 --creds admin.creds\n"
    " $ sluice provision --max-bytes 10GiB --max-age 90d --workers\n"
    " $ sluice provision --check\n";

struct Options {
  std::string shard = "main";
  std::string max_bytes, max_age;
  bool keep_forever = false;
  int replicas = 1;
  bool workers = false;
  std::string hub = "hub";
  bool immutable = false;
  bool check = false;
  nats::LoginSettings login;
};

Result<nats::HubStreamWish> wish_of(const Options& given) {
  // It becomes a token of the subjects that a worker may use: a wildcard in it would widen them.
  if (!core::is_shard_name(given.hub))
    return fail(Errc::kBadRequest,
                "'" + core::printable(given.hub) + "' is no name of a hub: [a-z0-9-]{1,32}",
                "--hub-name");
  nats::HubStreamWish wish{.shard = given.shard,
                           .replicas = given.replicas,
                           .workers = given.workers,
                           .immutable = given.immutable};
  if (!given.max_bytes.empty()) {
    const auto bytes = parse_bytes(given.max_bytes, "--max-bytes");
    if (!bytes) return bytes.error();
    wish.max_bytes = *bytes;
  }
  if (!given.max_age.empty() && given.keep_forever)
    return fail(Errc::kBadRequest, "--max-age and --keep-forever exclude each other");
  if (given.keep_forever) wish.max_age = std::chrono::nanoseconds(0);
  if (!given.max_age.empty()) {
    const auto age = parse_duration(given.max_age, "--max-age");
    if (!age) return age.error();
    if (age->count() == 0)
      return fail(Errc::kBadRequest, "0 would keep events for ever: say --keep-forever",
                  "--max-age");
    wish.max_age = *age;
  }
  return wish;
}

std::string state_word(ProvisionedStream::State state) {
  switch (state) {
    case ProvisionedStream::State::kMissing:
      return "missing";
    case ProvisionedStream::State::kCreated:
      return "created";
    case ProvisionedStream::State::kAgrees:
      return "agrees";
    case ProvisionedStream::State::kDisagrees:
      return "disagrees";
  }
  return "unknown";
}

// A setting's value for people: durations and sizes in words beside the number.
std::string value_text(const std::string& name, const json::value& value) {
  if (value.is_null()) return "(not set)";
  const std::string text = value.is_string() ? std::string(value.get_string()) : json_text(value);
  if (!value.is_int64()) return text;
  const std::int64_t number = value.get_int64();
  if (name == "max_age") return number == 0 ? "for ever" : core::human_duration(number);
  if (name == "duplicate_window") return core::human_duration(number);
  if (number == -1) return "no limit";
  if (name == "max_bytes") return bytes_in_words(static_cast<std::uint64_t>(number));
  return text;
}

// What the server has if the stream exists, else what it would be given.
json::object settings_of(const ProvisionedStream& stream) {
  json::object settings;
  for (const nats::StreamSetting& setting : stream.plan.settings) {
    const json::value* found = stream.config.if_contains(setting.name);
    if (found != nullptr)
      settings[setting.name] = *found;
    else if (stream.config.empty() && setting.chosen)
      settings[setting.name] = setting.value;
    else
      settings[setting.name] = stream.config.empty() ? json::value() : json::value(false);
  }
  return settings;
}

json::object document_of(const nats::Provisioned& all) {
  json::array streams;
  for (const ProvisionedStream& stream : all.streams) {
    json::array differences;
    for (const nats::Disagreement& one : stream.differences)
      differences.push_back(json::object{
          {"setting", one.name}, {"wanted", one.wanted}, {"found", one.found}, {"why", one.why}});
    streams.push_back(json::object{{"stream", stream.plan.stream},
                                   {"what", stream.plan.what},
                                   {"state", state_word(stream.state)},
                                   {"created", stream.created},
                                   {"settings", settings_of(stream)},
                                   {"differences", std::move(differences)}});
  }
  return {
      {"agrees", all.agrees()}, {"max_payload", all.max_payload}, {"streams", std::move(streams)}};
}

void print_text(Output& output, const nats::Provisioned& all) {
  for (const ProvisionedStream& stream : all.streams) {
    output.line(stream.plan.stream + " (" + stream.plan.what + "): " + state_word(stream.state));
    Table table({"  setting", "value", "meaning"});
    const json::object settings = settings_of(stream);
    for (const nats::StreamSetting& setting : stream.plan.settings)
      table.add(
          {"  " + setting.name, value_text(setting.name, settings.at(setting.name)), setting.why});
    output.lines(table.text());
    for (const nats::Disagreement& one : stream.differences)
      output.line("  DIFFERS: " + one.name + " should be " + value_text(one.name, one.wanted) +
                  " and is " + value_text(one.name, one.found) + ": " + one.why);
    output.line("");
  }
  output.line("Largest message of the server: " + bytes_in_words(all.max_payload));
}

// The next step for whoever sees a difference: Sluice changes nothing that exists.
void print_advice(Output& output, const nats::Provisioned& all) {
  for (const ProvisionedStream& stream : all.streams) {
    if (stream.state == ProvisionedStream::State::kMissing)
      output.note("sluice: " + stream.plan.stream +
                  " is missing: run sluice provision without --check to make it");
    if (stream.state == ProvisionedStream::State::kDisagrees)
      output.note("sluice: " + stream.plan.stream +
                  " exists with other settings; it was left as "
                  "it is. Change it with the server's own tools (nats stream edit), or name "
                  "another --shard, or ask for what it has");
  }
}

// What the login of a worker may do: it is for whoever keeps the server's configuration.
void print_rights(Output& output, const nats::Rights& rights, const Options& given) {
  output.line("");
  output.line("The login of each sluice-hub with workers = true and name = \"" + given.hub +
              "\" needs, for shard " + given.shard + ":");
  output.lines(nats::permissions_text(rights));
}

ExitCode run_provision(Program& program, const Options& given) {
  Output& output = program.output;
  const auto refuse = [&](const core::Error& error) {
    output.problem(error, "provision");
    return exit_code(error.code);
  };
  const auto wish = wish_of(given);
  if (!wish) return refuse(wish.error());
  auto connection = connect_nats(program.nats, given.login);
  if (!connection) return refuse(connection.error());
  const auto all = nats::provision(**connection, {.wish = *wish, .check_only = given.check});
  if (!all) return refuse(all.error());
  const auto rights = nats::hub_rights(given.hub, {given.shard}, true);
  if (output.json()) {
    json::object document = document_of(*all);
    if (given.workers)
      document["worker_rights"] = json::object{
          {"publish", json::array(rights.publish.begin(), rights.publish.end())},
          {"subscribe", json::array(rights.subscribe.begin(), rights.subscribe.end())}};
    output.document(document);
  } else {
    print_text(output, *all);
    if (given.workers) print_rights(output, rights, given);
  }
  output.flush();
  print_advice(output, *all);
  return all->agrees() ? ExitCode::kOk : ExitCode::kOther;
}

}  // namespace

void add_provision(Program& program) {
  auto given = std::make_shared<Options>();
  CLI::App& verb =
      program.verb("provision", "make or check the hub stream and the report bucket",
                   {"sluice provision --max-bytes N (--max-age D | --keep-forever) [options]\n"
                    "sluice provision --check [options]",
                    kDescription, kExamples});
  verb.add_option("--shard", given->shard, "The shard; its hub stream is EVENTS-<shard>.")
      ->type_name("NAME")
      ->capture_default_str();
  verb.add_flag("--workers", given->workers,
                "Also the bucket SLUICE-LEASES, for several sluice-hub that share shards; prints "
                "what their login may do.");
  verb.add_option("--hub-name", given->hub, "With --workers: their [hub] name.")
      ->type_name("NAME")
      ->capture_default_str();
  verb.add_option("--max-bytes", given->max_bytes, "How much the hub stream may hold, as 10GiB.")
      ->type_name("N");
  verb.add_option("--max-age", given->max_age, "How long events are kept, as 90d.")->type_name("D");
  verb.add_flag("--keep-forever", given->keep_forever, "Events are never removed for their age.");
  verb.add_option("--replicas", given->replicas, "Servers of the cluster that hold a copy.")
      ->type_name("N")
      ->capture_default_str();
  verb.add_flag("--immutable", given->immutable,
                "Deny removing messages, for good (deny_delete, deny_purge).");
  verb.add_flag("--check", given->check, "Make nothing; only compare.");
  add_login_options(verb, given->login);
  program.on_run(verb, [&program, given] { return run_provision(program, *given); });
}

}  // namespace sluice::cli
