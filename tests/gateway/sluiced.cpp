// SPDX-License-Identifier: Apache-2.0
#include "tests/gateway/sluiced.hpp"

namespace sluice::gateway {

void SluicedTest::configure(const std::string& ingest, const std::string& more) {
  config_ = folder_.write("sluice.toml",
                          "[gateway]\nid = \"plant-7\"\nstate = \"" + (folder_ / "s").string() +
                              "\"\nrun = \"" + (folder_ / "r").string() +
                              "\"\n[gateway.lanes]\nfire = \"alarm\"\n[ingest]\n" + ingest +
                              "\n[log]\nrestart_wait_max = \"0ms\"\n" + more);
}

void SluicedTest::start_without_waiting() {
  if (config_.empty()) configure();
  sluiced_.emplace(
      std::vector<std::string>{test::program("sluiced"), "--config", config_.string()});
}

bool SluicedTest::ready() {
  const auto answer = http().get("/readyz");
  return answer && answer->status == 200;
}

void SluicedTest::start() {
  start_without_waiting();
  ASSERT_TRUE(test::eventually([this] { return ready() || !sluiced_->running(); }));
  ASSERT_TRUE(sluiced_->running()) << sluiced_->output();
}

test::Finished SluicedTest::run_to_end(std::chrono::milliseconds limit) {
  if (config_.empty()) configure();
  return test::run({test::program("sluiced"), "--config", config_.string()}, {}, limit);
}

rpc::BlockingClient SluicedTest::rpc(const std::string& name) {
  auto client = rpc::BlockingClient::connect(socket(name));
  EXPECT_TRUE(client) << (client ? "" : client.error().message);
  return std::move(*client);
}

core::json::value SluicedTest::status() {
  const auto answer = http().get("/v1/status");
  EXPECT_TRUE(answer);
  return answer ? *core::parse_json(answer->body) : core::json::value();
}

rpc::BlockingClient SluicedTest::uplink() {
  auto client = rpc("uplink");
  const auto hello = client.call("hello", one_map({{"version", packed("1")}}));
  EXPECT_TRUE(hello);
  if (hello) epoch_ = *rpc::Value::trusted(*hello).find("epoch").text();
  return client;
}

std::string SluicedTest::acks(core::Seq acked, const std::string& lane) const {
  rpc::Packer out;
  out.array(2).text(lane).array(1).map(8).text("acked").unsigned_integer(acked);
  out.text("hub_stream").text("EVENTS-main").text("created").text("2026-11-21T00:00:00Z");
  out.text("epoch").text(epoch_).text("seq").unsigned_integer(acked);
  out.text("hub_seq").unsigned_integer(acked).text("subject").text(
      "ev.main.plant-7.telemetry.pump.T");
  out.text("identity").text("plant-7." + epoch_ + ".telemetry." + std::to_string(acked));
  return out.take();
}

std::string one_event(const std::string& stream, const std::string& type, std::int64_t data,
                      const std::string& id) {
  rpc::Packer out;
  out.array(1).array(1).map(id.empty() ? 3 : 4).text("stream").text(stream).text("type").text(type);
  out.text("data").integer(data);
  if (!id.empty()) out.text("id").text(id);
  return out.take();
}

std::string no_params() {
  return rpc::Packer().array(0).take();
}

std::string one_map(const std::vector<std::pair<std::string, std::string>>& encoded_pairs) {
  rpc::Packer out;
  out.array(1).map(encoded_pairs.size());
  for (const auto& [key, value] : encoded_pairs) out.text(key).raw(value);
  return out.take();
}

std::string packed(std::string_view text) {
  return rpc::Packer().text(text).take();
}
std::string packed(std::uint64_t number) {
  return rpc::Packer().unsigned_integer(number).take();
}

}  // namespace sluice::gateway
