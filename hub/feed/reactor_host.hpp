// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "hub/feed/engine_host.hpp"
#include "hub/feed/model_feed.hpp"
#include "hub/reactor/sender.hpp"
#include "projection/reactor/outbox.hpp"

namespace sluice::hub {

// One reactor: a gate and an outbox in a database of its own, the feeds that fill it, and the
// sender that empties it. What becomes of models never touches it. Any thread.
class ReactorHost final : public EngineHost {
 public:
  using Feeds = std::vector<std::unique_ptr<ModelFeed>>;
  using MakeFeeds = std::function<Feeds(EngineHost& host)>;

  // Opens or makes <state>/<name>.reactor.db. Errors as Engine::open and MessageMaker::load.
  static core::Result<std::unique_ptr<ReactorHost>> open(
      std::shared_ptr<const projection::Reactor> reactor, const std::filesystem::path& state,
      const MakeFeeds& make_feeds, const core::Clock& clock, core::Logger& log);
  ~ReactorHost() override;  // stops and joins

  void start();
  void stop();
  void join();

  const projection::Reactor& reactor() const { return *reactor_; }
  const Feeds& feeds() const { return feeds_; }
  SendingStatus sending(const std::string& reaction) const { return sender_->status(reaction); }
  // When that of its threads that has been silent longest showed that it lives (monotonic).
  std::uint64_t alive_ns() const;

  // Runs `work(Outbox&)` with nobody else in the engine.
  template <class Work>
  auto with_outbox(const Work& work) {
    return with_engine([&](projection::Engine&) { return work(*outbox_); });
  }

  core::Result<void> about_to_read(const projection::HubStream& hub, std::uint64_t last) override;

 private:
  ReactorHost(std::shared_ptr<const projection::Reactor> reactor,
              std::unique_ptr<projection::Engine> engine,
              std::shared_ptr<projection::Outbox> outbox);

  const std::shared_ptr<const projection::Reactor> reactor_;
  const std::shared_ptr<projection::Outbox> outbox_;
  std::unique_ptr<Sender> sender_;
  Feeds feeds_;
};

}  // namespace sluice::hub
