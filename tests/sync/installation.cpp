// SPDX-License-Identifier: Apache-2.0
#include "tests/sync/installation.hpp"

#include <fstream>
#include <sstream>

#include "rpc/blocking_client.hpp"

namespace sluice::sync {

using namespace std::chrono_literals;

namespace {
nats::ConnectionOptions options_for(const std::string& url) {
  nats::ConnectionOptions options;
  options.login.urls = {url};
  return options;
}
}  // namespace

HubOperator::HubOperator(const std::string& url) : HubOperator(options_for(url)) {}

HubOperator::HubOperator(nats::ConnectionOptions options) {
  options.connect_timeout = 5s;
  std::string why;
  test::eventually([&] {
    auto connection = nats::Connection::connect(options);
    if (connection)
      connection_ = std::move(*connection);
    else
      why = connection.error().message;
    return connection_ != nullptr;
  });
  if (!connection_) throw std::runtime_error("no operator connection: " + why);
}

core::json::value HubOperator::ask(const std::string& api, const std::string& body) {
  auto answer = connection_->request("$JS.API." + api, body, 10s);
  if (!answer) throw std::runtime_error(api + ": " + answer.error().message);
  auto document = core::parse_json(answer->payload());
  if (!document || document->as_object().contains("error"))
    throw std::runtime_error(api + ": " + std::string(answer->payload()));
  return *document;
}

namespace {

std::string stream_config(const HubWish& wish) {
  return R"({"name":"EVENTS-main","subjects":["ev.main.>"],"retention":"limits",)"
         R"("max_consumers":-1,"max_msgs":-1,"max_bytes":)" +
         std::to_string(wish.max_bytes) +
         R"(,"max_age":0,"storage":"file","discard":"new","num_replicas":1,"duplicate_window":)" +
         std::to_string(wish.duplicate_window_ms * 1'000'000) + R"(,"allow_direct":true})";
}

}  // namespace

void HubOperator::make_hub_stream(const HubWish& wish) {
  ask("STREAM.CREATE.EVENTS-main", stream_config(wish));
}

void HubOperator::make_streams(const HubWish& wish) {
  make_hub_stream(wish);
  ask("STREAM.CREATE.KV_SLUICE-REPORTS",
      R"({"name":"KV_SLUICE-REPORTS","subjects":["$KV.SLUICE-REPORTS.>"],"retention":"limits",)"
      R"("max_consumers":-1,"max_msgs":-1,"max_bytes":-1,"max_age":0,"max_msgs_per_subject":1,)"
      R"("storage":"file","discard":"new","num_replicas":1,"allow_rollup_hdrs":true,)"
      R"("allow_direct":true})");
}

void HubOperator::set_max_bytes(std::int64_t max_bytes) {
  ask("STREAM.UPDATE.EVENTS-main", stream_config({.max_bytes = max_bytes}));
}

std::uint64_t HubOperator::last_seq() {
  const auto info = ask("STREAM.INFO.EVENTS-main");
  return info.at("state").at("last_seq").to_number<std::uint64_t>();
}

std::vector<HubOperator::Stored> HubOperator::all() {
  std::vector<Stored> out;
  const auto last = last_seq();
  for (std::uint64_t seq = 1; seq <= last; ++seq) {
    auto answer = connection_->request("$JS.API.DIRECT.GET.EVENTS-main",
                                       "{\"seq\":" + std::to_string(seq) + "}", 5s);
    if (!answer) throw std::runtime_error("direct get: " + answer.error().message);
    if (answer->status() != 0) continue;
    out.push_back(
        {seq, answer->header("Nats-Msg-Id").value_or(""), std::string(answer->payload())});
  }
  return out;
}

Installation::Installation(const std::string& url, Options options) : options_(std::move(options)) {
  std::filesystem::create_directories(state());
  std::filesystem::create_directories(folder_ / "r");
  configure(url, options_.uplink);
}

void Installation::configure(const std::string& url, const std::string& uplink_lines) {
  folder_.write("gateway.toml", "[gateway]\nid = \"" + options_.gateway + "\"\nstate = \"" +
                                    state().string() + "\"\nrun = \"" + (folder_ / "r").string() +
                                    "\"\n" + options_.identity +
                                    "\n[gateway.lanes]\nalert = \"alarm\"\n[uplink]\nurls = [\"" +
                                    url + "\"]\n" + uplink_lines + "\n" + options_.sections + "\n");
}

void Installation::start_sluiced() {
  test::Process::Options how;
  how.log_file = folder_ / "sluiced.log";
  how.environment = options_.sluiced_environment;
  sluiced.reset();
  sluiced.emplace(std::vector<std::string>{test::program("sluiced"), "--config", config().string()},
                  how);
  // A start soon after a start waits before it opens an epoch.
  if (!test::eventually([&] { return !status().empty() && last(core::Lane::kSystem) > 0; }, 90s))
    throw std::runtime_error("sluiced does not start:\n" + logs());
}

void Installation::start_uplink() {
  test::Process::Options how;
  how.log_file = folder_ / "uplink.log";
  how.environment = options_.environment;
  uplink.reset();
  auto command = options_.uplink_prefix;
  for (const auto& word :
       {test::program("sluice-uplink"), std::string("--config"), config().string()})
    command.push_back(word);
  uplink.emplace(command, how);
}

std::string Installation::logs() const {
  std::string out;
  for (const char* name : {"sluiced.log", "uplink.log"}) {
    std::ifstream file(folder_ / name);
    std::stringstream text;
    text << file.rdbuf();
    out += std::string("--- ") + name + "\n" + text.str();
  }
  return out;
}

void Installation::append(std::size_t events, std::size_t data_bytes) {
  auto client = rpc::BlockingClient::connect(folder_ / "r/ingest.sock");
  if (!client) throw std::runtime_error("append: " + client.error().message);
  for (std::size_t sent = 0; sent < events;) {
    const auto count = std::min<std::size_t>(events - sent, 500);
    rpc::Packer params;
    params.array(1).array(count);
    for (std::size_t i = 0; i < count; ++i) {
      params.map(3).text("stream").text("pump/" + std::to_string((sent + i) % 20));
      params.text("type").text((sent + i) % 3 == 0 ? "Stopped" : "Started");
      params.text("data").text(std::string(data_bytes, 'x'));
    }
    auto answer = client->call("append", params.take());
    if (!answer) throw std::runtime_error("append: " + answer.error().message);
    sent += count;
  }
}

std::string Installation::status() {
  auto client = rpc::BlockingClient::connect(folder_ / "r/ingest.sock");
  if (!client) return {};
  auto answer = client->call("status", rpc::Packer().array(0).take());
  return answer ? *answer : std::string();
}

core::Seq Installation::lane_number(core::Lane lane, const char* key) {
  const auto packed = status();
  if (packed.empty()) return 0;
  const auto lanes = rpc::Value::trusted(packed).find("lanes");
  return lanes.find(core::lane_name(lane)).find(key).unsigned_integer().value_or(0);
}

core::Seq Installation::acked(core::Lane lane) {
  return lane_number(lane, "acked");
}
core::Seq Installation::last(core::Lane lane) {
  return lane_number(lane, "last");
}
core::Seq Installation::first(core::Lane lane) {
  return lane_number(lane, "first");
}

bool Installation::drained() {
  for (auto lane : core::kLanes)
    if (last(lane) == 0 || acked(lane) != last(lane)) return false;
  return true;
}

std::string Installation::link(const std::string& key) {
  const auto packed = status();
  if (packed.empty()) return {};
  return std::string(rpc::Value::trusted(packed).find("link").find(key).text().value_or(""));
}

std::set<core::Seq> seqs_of(const std::vector<HubOperator::Stored>& stored, core::Lane lane) {
  std::set<core::Seq> out;
  for (const auto& message : stored) {
    const auto identity = core::Identity::parse(message.identity);
    if (!identity || identity->lane != lane) continue;
    for (auto seq = identity->seq; seq <= std::max(identity->seq, identity->to); ++seq)
      out.insert(seq);
  }
  return out;
}

void expect_each_once(const std::vector<HubOperator::Stored>& stored, core::Lane lane,
                      core::Seq first, core::Seq last) {
  core::Seq next = first;
  for (const auto& message : stored) {
    const auto identity = core::Identity::parse(message.identity);
    if (!identity || identity->lane != lane) continue;
    ASSERT_EQ(identity->seq, next) << message.identity << " at " << message.hub_seq;
    next = std::max(identity->seq, identity->to) + 1;
  }
  EXPECT_EQ(next, last + 1);
}

}  // namespace sluice::sync
