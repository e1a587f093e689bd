// SPDX-License-Identifier: Apache-2.0
#include "hub/feed/reactor_host.hpp"

#include <algorithm>

namespace sluice::hub {

using core::Result;
using projection::Engine;
using projection::Outbox;
using projection::Reactor;

ReactorHost::ReactorHost(std::shared_ptr<const Reactor> reactor, std::unique_ptr<Engine> engine,
                         std::shared_ptr<Outbox> outbox)
    : EngineHost("reactor " + reactor->name(), std::move(engine)),
      reactor_(std::move(reactor)),
      outbox_(std::move(outbox)) {}

ReactorHost::~ReactorHost() {
  stop();
  join();
}

Result<std::unique_ptr<ReactorHost>> ReactorHost::open(std::shared_ptr<const Reactor> reactor,
                                                       const std::filesystem::path& state,
                                                       const MakeFeeds& make_feeds,
                                                       const core::Clock& clock,
                                                       core::Logger& log) {
  auto maker = MessageMaker::load(reactor);
  if (!maker) return maker.error();
  auto client = outbound::Client::create();
  if (!client) return client.error();
  const auto outbox = std::make_shared<Outbox>(reactor, clock);
  projection::EngineSettings settings;
  settings.sink = outbox;
  auto engine = Engine::open(projection::Model::without_rules(reactor->name()),
                             state / (reactor->name() + ".reactor.db"), clock, log, settings);
  if (!engine) return engine.error();
  std::unique_ptr<ReactorHost> host(
      new ReactorHost(std::move(reactor), std::move(*engine), outbox));
  ReactorHost& self = *host;
  host->sender_ = std::make_unique<Sender>(
      host->reactor_, std::move(*maker), std::move(*client),
      [&self](const Sender::Work& work) {
        return self.with_outbox([&](Outbox& locked) { return work(locked); });
      },
      clock, log);
  outbox->on_letters([&self] { self.sender_->wake(); });
  host->feeds_ = make_feeds(*host);
  return host;
}

void ReactorHost::start() {
  sender_->start();
  for (const auto& feed : feeds_) feed->start();
}

void ReactorHost::stop() {
  for (const auto& feed : feeds_) feed->stop();
  sender_->stop();
}

void ReactorHost::join() {
  for (const auto& feed : feeds_) feed->join();
  sender_->join();
}

std::uint64_t ReactorHost::alive_ns() const {
  std::uint64_t oldest = sender_->alive_ns();
  for (const auto& feed : feeds_) oldest = std::min(oldest, feed->alive_ns().value_or(oldest));
  return oldest;
}

Result<void> ReactorHost::about_to_read(const projection::HubStream& hub, std::uint64_t last) {
  return with_engine([&](Engine& engine) -> Result<void> {
    const auto position = engine.position(hub.name);
    if (!position) return position.error();
    return outbox_->about_to_read(hub, last, *position ? (*position)->sequence : 0);
  });
}

}  // namespace sluice::hub
