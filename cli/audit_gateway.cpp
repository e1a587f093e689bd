// SPDX-License-Identifier: Apache-2.0
#include "cli/audit_gateway.hpp"

#include <filesystem>
#include <functional>

#include "cli/chain_audit.hpp"
#include "cli/hub_stream.hpp"
#include "cli/nats_login.hpp"
#include "core/subject.hpp"

namespace sluice::cli {
namespace {

using core::Errc;
using core::fail;
using core::Result;
namespace json = core::json;

constexpr std::size_t kShownMax = 20;  // findings of a lane, for people

struct Reading {
  nats::Connection& connection;
  std::string shard;
  std::string gateway;
  Progress& progress;
  std::string remark;
};

Result<void> read_all(const Reading& reading,
                      const std::function<void(const ChainAudit::Message&)>& each) {
  const std::string filter = "ev." + reading.shard + "." + reading.gateway + ".>";
  return read_hub_stream(
      reading.connection, reading.shard, filter, reading.progress, reading.remark,
      [&](const nats::Pulled& one) -> Result<void> {
        const std::string identity = one.message_id().value_or("");
        each({one.message.subject(), identity, one.message.payload(), one.sequence});
        return {};
      });
}

json::array findings_of(const std::vector<ChainAudit::Finding>& findings) {
  json::array out;
  for (const ChainAudit::Finding& finding : findings) {
    json::object one{{"kind", finding.kind}, {"words", finding.words}};
    if (finding.epoch) {
      one["epoch"] = finding.epoch.text();
      one["from"] = finding.from;
      one["to"] = finding.to;
    }
    out.push_back(std::move(one));
  }
  return out;
}

json::object document_of(const ChainAudit& audit, const Reading& reading) {
  json::object lanes;
  for (const core::Lane lane : core::kLanes) {
    const ChainAudit::Lane& one = audit.lane(lane);
    if (one.last == 0) continue;
    lanes[core::lane_name(lane)] = json::object{{"first", one.first},
                                                {"last", one.last},
                                                {"epochs", one.epochs},
                                                {"events", one.totals.events},
                                                {"gaps", one.totals.gaps},
                                                {"copies", one.copies},
                                                {"marks", one.totals.marks},
                                                {"checked", one.totals.checked},
                                                {"findings", findings_of(one.findings)}};
  }
  return {{"gateway", reading.gateway},       {"hub_stream", core::hub_stream_name(reading.shard)},
          {"messages", audit.messages()},     {"agrees", audit.agrees()},
          {"foreign", audit.foreign_count()}, {"foreign_findings", findings_of(audit.foreign())},
          {"lanes", std::move(lanes)}};
}

void show(Output& output, const ChainAudit& audit, const Reading& reading) {
  Table table({"lane", "first seq", "last seq", "epochs", "events", "in gaps", "copies",
               "hashes agree", "events vouched for", "findings"});
  for (const core::Lane lane : core::kLanes) {
    const ChainAudit::Lane& one = audit.lane(lane);
    if (one.last == 0) continue;
    table.add({std::string(core::lane_name(lane)), with_thousands(one.first),
               with_thousands(one.last), with_thousands(one.epochs),
               with_thousands(one.totals.events), with_thousands(one.totals.gaps),
               with_thousands(one.copies), with_thousands(one.totals.marks),
               with_thousands(one.totals.checked), with_thousands(one.findings.size())});
  }
  output.lines(table.text());
  for (const core::Lane lane : core::kLanes) {
    const auto& findings = audit.lane(lane).findings;
    for (std::size_t i = 0; i < findings.size() && i < kShownMax; ++i)
      output.line(std::string(core::lane_name(lane)) + ", " + findings[i].kind + ": " +
                  findings[i].words);
    if (findings.size() > kShownMax)
      output.line("... " + std::to_string(findings.size() - kShownMax) + " more (--json)");
  }
  for (std::size_t i = 0; i < audit.foreign().size() && i < kShownMax; ++i)
    output.line("foreign: " + audit.foreign()[i].words);
  output.line(audit.agrees() ? "All that the hub has of " + reading.gateway +
                                   " is what the gateway wrote, without a hole."
                             : "NOT all that the gateway wrote is here as it was written.");
}

Result<bool> run(Program& program, const std::string& gateway, const std::string& shard,
                 const nats::LoginSettings& login) {
  auto connection = connect_nats(program.nats, login);
  if (!connection) return connection.error();
  Progress progress(program.output, "audit", "read", 0);
  Reading reading{**connection, shard, gateway, progress, "(what is there)"};
  ChainAudit audit(gateway);
  SLUICE_TRY(read_all(reading, [&](const ChainAudit::Message& message) { audit.index(message); }));
  if (audit.messages() == 0 && audit.foreign_count() == 0)
    return fail(Errc::kNotFound, core::hub_stream_name(shard) + " has nothing of gateway '" +
                                     gateway + "': is that its id, and its shard?");
  audit.end_index();
  reading.remark = "(hash chain)";
  SLUICE_TRY(read_all(reading, [&](const ChainAudit::Message& message) { audit.check(message); }));
  audit.end();
  progress.wipe();
  if (program.output.json())
    program.output.document(document_of(audit, reading));
  else
    show(program.output, audit, reading);
  return audit.agrees();
}

}  // namespace

bool is_gateway_id(const std::string& text) {
  std::error_code ignored;
  return core::GatewayId::parse(text) && !std::filesystem::exists(text, ignored);
}

ExitCode audit_gateway(Program& program, const std::string& gateway, const std::string& shard,
                       const nats::LoginSettings& login) {
  const auto agrees = run(program, gateway, shard, login);
  if (!agrees) {
    program.output.problem(agrees.error(), "audit");
    return exit_code(agrees.error().code);
  }
  return *agrees ? ExitCode::kOk : ExitCode::kOther;
}

}  // namespace sluice::cli
