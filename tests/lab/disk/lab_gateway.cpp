// SPDX-License-Identifier: Apache-2.0
#include "tests/lab/disk/lab_gateway.hpp"

#include <chrono>
#include <stdexcept>

#include "core/codec/event_codec.hpp"
#include "http/client.hpp"
#include "rpc/blocking_client.hpp"
#include "rpc/pack.hpp"
#include "rpc/value.hpp"

namespace sluice::test {

LabGateway::LabGateway(std::filesystem::path state, Options options)
    : options_(std::move(options)) {
  std::filesystem::create_directory(folder_ / "run");
  std::string text = "[gateway]\nid = \"lab-1\"\nstate = \"" + state.string() + "\"\nrun = \"" +
                     (folder_ / "run").string() +
                     "\"\n[gateway.lanes]\nfire = \"alarm\"\nfilm = \"bulk\"\n";
  if (!options_.nats_url.empty()) text += "[uplink]\nurls = [\"" + options_.nats_url + "\"]\n";
  // A lab ends the daemon every second: the pause after an early end would be all that it sees.
  text += "[log]\nrestart_wait_max = \"0ms\"\n" + options_.log;
  config_ = folder_.write("sluice.toml", text);
}

std::string LabGateway::start() {
  sluiced_.emplace(std::vector<std::string>{program("sluiced"), "--config", config_.string()},
                   Process::Options{.environment = options_.environment});
  const auto endpoint = http::Endpoint::parse(http_socket().string());
  const auto ready = [&] {
    const auto answer = http::Client(*endpoint).get("/readyz");
    return answer && answer->status == 200;
  };
  if (eventually([&] { return !sluiced_->running() || ready(); }) && sluiced_->running()) return {};
  return "sluiced is not ready: " + sluiced_->output();
}

void LabGateway::start_uplink() {
  uplink_.emplace(std::vector<std::string>{program("sluice-uplink"), "--config", config_.string()});
}

void LabGateway::kill() {
  if (uplink_) uplink_->kill();
  if (sluiced_) sluiced_->kill();
}

std::string LabGateway::journal() const {
  return sluiced_ ? sluiced_->output() : std::string();
}

core::json::value LabGateway::status() const {
  const auto answer =
      http::Client(*http::Endpoint::parse(http_socket().string())).get("/v1/status");
  if (!answer || answer->status != 200) return nullptr;
  const auto document = core::parse_json(answer->body);
  return document ? *document : core::json::value();
}

std::vector<Found> LabGateway::read_all() const {
  auto client = rpc::BlockingClient::connect(ingest_socket());
  if (!client) throw std::runtime_error(to_string(client.error()));
  std::vector<Found> out;
  for (const core::Lane lane : core::kLanes) {
    const std::string name(core::lane_name(lane));
    for (std::uint64_t next = 1;;) {
      rpc::Packer params;
      params.array(1).map(3).text("lane").text(name).text("from").unsigned_integer(next);
      params.text("limit").integer(256);
      const auto page = client->call("read", params.take());
      if (!page) throw std::runtime_error("lane " + name + ": " + to_string(page.error()));
      const rpc::Value bodies = rpc::Value::trusted(*page).find("events");
      if (bodies.size() == 0) break;
      for (rpc::Items items(bodies); items.left() > 0;) {
        const auto event = codec::decode_event(items.next().bytes().value_or(""));
        if (!event) throw std::runtime_error("lane " + name + ": " + to_string(event.error()));
        if (event->seq != next)
          throw std::runtime_error("lane " + name + ": " + std::to_string(event->seq) +
                                   " follows where " + std::to_string(next) + " belongs");
        ++next;
        if (!event->is_reserved())
          out.push_back({event->id, name, event->epoch.text(), event->seq});
      }
    }
  }
  return out;
}

}  // namespace sluice::test
