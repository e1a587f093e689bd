// SPDX-License-Identifier: Apache-2.0
#include "tests/system/chaos_check.hpp"

#include <set>

#include "core/codec/event_codec.hpp"
#include "core/json.hpp"
#include "core/subject.hpp"
#include "http/client.hpp"
#include "storage/log_reader.hpp"
#include "sync/nats/connection.hpp"

namespace sluice::test {

const char* const kChaosModel = R"(model = "chaos"
version = 1
history = "whole"

[where]
categories = ["load"]

[table.effects]
key = { gateway = "$gateway", k = { type = "text", from = ".k" } }

[table.effects.columns]
n = { type = "int", default = 0 }

[[table.effects.on]]
type = "Sampled"
inc = { n = 1 }

[table.streams]
key = { gateway = "$gateway", stream = "$stream" }

[table.streams.columns]
n = { type = "int", default = 0 }
last = "int"

[[table.streams.on]]
type = "Sampled"
inc = { n = 1 }
set = { last = "$version" }
)";

namespace {

using core::fail;

void note(std::vector<std::string>& violations, std::string text) {
  if (violations.size() < 50) violations.push_back(std::move(text));
}

// Checks one lane's records as they come: seq after seq, version after version, no id twice.
class LaneCheck {
 public:
  LaneCheck(LogContent& content, core::Lane lane) : content_(content), lane_(lane) {}

  void take(const storage::Record& record) {
    const auto event = codec::decode_event(record.body);
    const std::string where = std::string(lane_name(lane_)) + " " + std::to_string(record.seq);
    if (!event) return note(content_.violations, where + ": " + to_string(event.error()));
    if (record.seq != last_ + 1 || event->seq != record.seq)
      note(content_.violations, where + " follows " + std::to_string(last_));
    last_ = record.seq;
    auto& version = versions_[event->stream().text()];
    if (event->version != version + 1)
      note(content_.violations, where + ": version " + std::to_string(event->version) + " after " +
                                    std::to_string(version));
    version = event->version;
    const core::Identity identity{std::string(event->gateway), event->epoch, lane_, event->seq};
    content_.identities[identity.text()] = 0;
    if (event->category != "load") return;
    if (!content_.load
             .emplace(event->id, LoadClient::Position{event->epoch, event->seq, event->version})
             .second)
      note(content_.violations, where + ": id " + event->id.text() + " stands twice in the log");
  }

 private:
  LogContent& content_;
  core::Lane lane_;
  core::Seq last_ = 0;
  std::map<std::string, std::uint64_t> versions_;
};

}  // namespace

core::Result<LogContent> read_log(const std::filesystem::path& folder) {
  const auto reader = storage::LogReader::open(folder);
  if (!reader) return reader.error();
  LogContent content;
  for (const core::Lane lane : core::kLanes) {
    LaneCheck check(content, lane);
    for (core::Seq from = 1;;) {
      const auto records = (*reader)->read_lane(lane, from);
      if (!records) return records.error();
      if (records->empty()) break;
      for (const auto& record : *records) check.take(record);
      from = records->back().seq + 1;
    }
  }
  return content;
}

core::Result<std::map<std::string, std::uint64_t>> read_hub_stream(const std::string& nats_url) {
  nats::ConnectionOptions options;
  options.login.urls = {nats_url};
  options.name = "chaos-check";
  const auto connection = nats::Connection::connect(options);
  if (!connection) return connection.error();
  const std::string stream = core::hub_stream_name("main");
  const auto answer =
      (*connection)->request("$JS.API.STREAM.INFO." + stream, "", std::chrono::seconds(10));
  if (!answer) return answer.error();
  const auto info = core::parse_json(answer->payload());
  if (!info) return info.error();
  const auto* state = info->as_object().if_contains("state");
  if (state == nullptr)
    return fail(core::Errc::kUnavailable, "the hub stream does not answer INFO");
  const std::int64_t last = state->at("last_seq").to_number<std::int64_t>();
  std::map<std::string, std::uint64_t> found;
  for (std::int64_t seq = 1; seq <= last; ++seq) {
    const auto message =
        (*connection)
            ->request("$JS.API.DIRECT.GET." + stream, "{\"seq\":" + std::to_string(seq) + "}",
                      std::chrono::seconds(10));
    if (!message) return message.error();
    ++found[message->header("Nats-Msg-Id")
                .value_or("message " + std::to_string(seq) + " without id")];
  }
  return found;
}

core::Result<std::map<std::string, std::int64_t>> read_model(const std::string& hub_url) {
  const auto endpoint = http::Endpoint::parse(hub_url);
  if (!endpoint) return endpoint.error();
  http::Client client(*endpoint);
  std::map<std::string, std::int64_t> effects;
  std::string cursor;
  do {
    const std::string page = cursor.empty() ? "" : "&page=" + cursor;
    const auto answer = client.get("/v1/models/chaos/effects?limit=1000" + page);
    if (!answer) return answer.error();
    if (answer->status != 200) return http::error_of(*answer);
    const auto document = core::parse_json(answer->body);
    if (!document) return document.error();
    for (const auto& row : document->at("rows").as_array())
      effects[std::string(row.at("k").as_string())] += row.at("n").to_number<std::int64_t>();
    const auto& next = document->at("next");
    cursor = next.is_string() ? std::string(next.as_string()) : "";
  } while (!cursor.empty());
  return effects;
}

namespace {

void compare_log(const LogContent& log, const std::vector<const LoadClient*>& clients,
                 Verdict& verdict) {
  for (const LoadClient* client : clients) {
    for (const std::string& text : client->violations()) note(verdict.violations, text);
    for (const auto& [id, position] : client->acknowledged()) {
      ++verdict.acknowledged;
      const auto at = log.load.find(id);
      if (at == log.load.end())
        note(verdict.violations, "acknowledged event " + id.text() + " is not in the log");
      else if (!(at->second == position))
        note(verdict.violations,
             "event " + id.text() + " is at another position than acknowledged");
    }
  }
}

void compare_hub(const LogContent& log, const std::map<std::string, std::uint64_t>& hub,
                 Verdict& verdict) {
  for (const auto& [identity, zero] : log.identities)
    if (!hub.contains(identity)) note(verdict.violations, identity + " is not in the hub stream");
  for (const auto& [identity, count] : hub) {
    if (!log.identities.contains(identity))
      note(verdict.violations, identity + " is in the hub stream but not in the log");
    if (count != 1)
      note(verdict.violations,
           identity + " is in the hub stream " + std::to_string(count) + " times");
  }
}

void compare_model(const LogContent& log, const std::map<std::string, std::int64_t>& model,
                   Verdict& verdict) {
  for (const auto& [id, position] : log.load) {
    const auto at = model.find(id.text());
    const std::int64_t effects = at == model.end() ? 0 : at->second;
    if (effects != 1)
      note(verdict.violations,
           "event " + id.text() + " took effect " + std::to_string(effects) + " times");
  }
  if (model.size() > log.load.size())
    note(verdict.violations, "the read model has rows of events that the log does not have");
}

}  // namespace

Verdict judge(Installation& site, const std::vector<const LoadClient*>& clients,
              std::chrono::milliseconds limit) {
  Verdict verdict;
  LogContent log;
  std::map<std::string, std::uint64_t> hub;
  std::map<std::string, std::int64_t> model;
  std::string problem;
  const bool complete = eventually(
      [&] {
        site.supervise();
        const auto model_now = read_model(site.hub_url());
        if (!model_now) return problem = "read model: " + to_string(model_now.error()), false;
        model = *model_now;
        const auto log_now = read_log(site.edge().log_folder());
        if (!log_now) return problem = "log: " + to_string(log_now.error()), false;
        log = *log_now;
        if (model.size() < log.load.size())
          return problem = "the read model has not caught up", false;
        const auto hub_now = read_hub_stream(site.nats_url());
        if (!hub_now) return problem = "hub stream: " + to_string(hub_now.error()), false;
        hub = *hub_now;
        return problem = "the hub stream has not caught up", hub.size() >= log.identities.size();
      },
      limit);
  if (!complete) note(verdict.violations, "not settled in time: " + problem);
  for (const std::string& text : log.violations) note(verdict.violations, text);
  verdict.stored = hub.size();
  verdict.applied = model.size();
  compare_log(log, clients, verdict);
  compare_hub(log, hub, verdict);
  compare_model(log, model, verdict);
  return verdict;
}

}  // namespace sluice::test
