// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "core/clock.hpp"
#include "core/logger.hpp"
#include "core/result.hpp"
#include "hub/api/api.hpp"
#include "hub/settings/hub_settings.hpp"

namespace sluice::hub {

// Everything but the HTTP server: models, feeds, reports, needs. One thread makes and ends it; what
// the API uses may be called from any.
class Hub {
 public:
  // Opens each model's serving version. A broken model file is a problem of that model alone while
  // it has a version that ever served, and so is a database that is away, locked, full or damaged:
  // once the hub has started, the model is opened as soon as that passes. kConfig: a model that
  // never served, or the place of its database is set up badly; kBusy: another sluice-hub uses the
  // state folder; kIo.
  static core::Result<std::unique_ptr<Hub>> open(const HubSettings& settings,
                                                 const core::Clock& clock, core::Logger& log);
  ~Hub();  // stops; batches in work are finished first

  // `fatal` is called from some thread when only a restart of the program can help.
  void start(std::function<void(const core::Error&)> fatal);
  // Reads all model files again: new models and higher versions are taken, whatever is broken is
  // told by the model, and what is served goes on. kConfig: a model file that is new and broken, or
  // a path that is not there. Any thread; blocks as long as databases do.
  core::Result<void> reload();
  void stop();  // asks all threads to end
  void join();  // waits for them; `fatal` is not called after that

  // The API's routes; the hub outlives the router. `http_requests`: how many were served, for
  // /metrics.
  void add_routes(Routes& routes, std::function<std::uint64_t()> http_requests);
  // Nanoseconds since the thread that has been silent longest showed that it lives.
  std::uint64_t silent_ns() const;
  std::size_t models() const;

 private:
  struct Parts;
  explicit Hub(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

// Loads and checks every model file: for --check-config. kConfig.
core::Result<std::vector<std::shared_ptr<const projection::Model>>> load_models(
    const HubSettings& settings);

}  // namespace sluice::hub
