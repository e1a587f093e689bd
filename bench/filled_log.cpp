// SPDX-License-Identifier: Apache-2.0
#include "bench/filled_log.hpp"

#include <future>

#include "bench/report.hpp"
#include "tests/support/process.hpp"

namespace sluice::bench {
namespace {

constexpr std::size_t kFillBatch = 1000;

}  // namespace

OpenLog::OpenLog(const std::filesystem::path& folder, const std::string& vfs) : folder_(folder) {
  storage::LogSettings settings;
  settings.restart_wait_max = {};
  settings.lanes[core::index(core::Lane::kTelemetry)].quota_bytes = 64ull << 30;
  for (auto& lane : settings.lanes) lane.commit_interval = {};
  auto gateway = need(core::GatewayId::parse(kGateway));
  log_ = need(storage::EventLog::open({folder, std::move(gateway), settings, {}, vfs},
                                      {clock_, random_, logger_}));
}

void OpenLog::append(std::vector<storage::NewEvent> events) {
  std::promise<void> done;
  log_->append({std::move(events)}, [&](core::Result<std::vector<storage::Appended>> result) {
    if (!result) give_up(result.error());
    done.set_value();
  });
  done.get_future().wait();
}

void OpenLog::fill(std::uint64_t events, Workload& workload) {
  std::future<void> previous;
  for (std::uint64_t done = 0; done < events; done += kFillBatch) {
    auto promise = std::make_shared<std::promise<void>>();
    auto next = promise->get_future();
    log_->append({workload.next_batch(kFillBatch)},
                 [promise](core::Result<std::vector<storage::Appended>> result) {
                   if (!result) give_up(result.error());
                   promise->set_value();
                 });
    if (previous.valid()) previous.wait();
    previous = std::move(next);
  }
  if (previous.valid()) previous.wait();
  if (!test::eventually([&] { return !sealing(); }, std::chrono::minutes(2)))
    give_up("the sealer does not come to an end");
}

// A finished segment's WAL is empty.
bool OpenLog::sealing() const {
  int wals = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder_ / "telemetry")) {
    std::error_code gone;
    if (entry.path().extension() == ".seg-wal" && entry.file_size(gone) > 0 && !gone) ++wals;
  }
  return wals > 1;
}

}  // namespace sluice::bench
