// SPDX-License-Identifier: Apache-2.0
#include "tests/lab/replay/whole_log.hpp"

#include <future>
#include <new>

#include "storage/segment_file.hpp"
#include "tests/lab/replay/lane_driver.hpp"
#include "tests/lab/replay/lane_scan.hpp"

namespace sluice::lab {

using core::Errc;
using core::fail;
using core::Result;
using Answer = Result<std::vector<storage::Appended>>;

namespace {
constexpr std::chrono::seconds kAnswerWait{20};
}  // namespace

WholeLog::WholeLog(std::filesystem::path folder, std::uint64_t seed, storage::LogSettings settings)
    : folder_(std::move(folder)), settings_(std::move(settings)), random_(seed) {}

Result<void> WholeLog::open() {
  clock_.advance_ms(1000);
  storage::EventLog::Options options{
      folder_, *core::GatewayId::parse(kGateway), settings_, {{"alarm", core::Lane::kAlarm}}};
  auto log = storage::EventLog::open(std::move(options), {clock_, random_, logger_});
  if (!log) return log.error();
  log_ = std::move(*log);
  return {};
}

Answer WholeLog::append(const storage::AppendRequest& request) {
  try {
    auto promise = std::make_shared<std::promise<Answer>>();
    auto answer = promise->get_future();
    log_->append(request, [promise](Answer given) { promise->set_value(std::move(given)); });
    promise.reset();
    if (answer.wait_for(kAnswerWait) != std::future_status::ready)
      return fail(Errc::kInternal, "no answer");
    return answer.get();
  } catch (const std::bad_alloc&) {
    return fail(Errc::kLimit, "out of memory");
  } catch (const std::future_error&) {
    return fail(Errc::kInternal, "an append was dropped without an answer");
  }
}

std::vector<storage::AppendRequest> whole_requests(std::uint64_t seed, std::size_t count) {
  core::SeededRandom random(seed);
  std::vector<storage::AppendRequest> requests(count);
  for (storage::AppendRequest& request : requests) {
    const bool is_alarm = random.below(3) == 0;
    for (std::uint64_t i = 0; i < 1 + random.below(2); ++i)
      request.events.push_back(
          make_event(is_alarm ? "alarm/1" : "pump/7", random.next() >> 4, 20 + random.below(200)));
  }
  return requests;
}

void live_whole(WholeLog& log, const std::vector<storage::AppendRequest>& requests,
                const std::function<void(std::size_t, const std::vector<storage::Appended>&)>& tell,
                std::string& hang) {
  const auto start = [&] {
    if (log.failed()) log.stop();
    for (int attempt = 0; attempt < 2 && !log.is_open(); ++attempt) (void)log.open();
    return log.is_open();
  };
  for (std::size_t i = 0; i < requests.size(); ++i) {
    for (int attempt = 0; attempt < 2; ++attempt) {
      if (!start()) return;
      const auto answer = log.append(requests[i]);
      if (answer) {
        tell(i, *answer);
        break;
      }
      if (answer.error().code == Errc::kInternal) {
        hang = answer.error().message;
        return;
      }
      // Its answer came, and its failure a moment later: a program would see it at the next look.
      if (answer.error().code == Errc::kIo) log.stop();
    }
    if (i == requests.size() / 2) log.stop();
  }
  log.stop();
}

Verdict check_whole(const std::filesystem::path& folder, const Ledger& ledger, std::size_t time,
                    const CheckOptions& options) {
  Verdict verdict;
  verdict.acked = ledger.acked_events(time);
  const auto complain = [&](const std::string& what) { verdict.problems.push_back(what); };
  WholeLog log(folder, options.seed * 2 + 1, options.settings);
  if (const auto opened = log.open(); !opened) {
    verdict.reopened = false;
    verdict.lost = verdict.acked;
    complain("does not open: " + core::to_string(opened.error()));
    return verdict;
  }
  for (const Ledger::Append& append : ledger.appends) {
    if (!append.begun_at(time)) continue;
    const auto answer = log.append(append.request);
    const bool acked = append.acked_at(time);
    if (!answer) {
      if (acked) verdict.lost += append.request.events.size();
      complain("a retry is refused: " + core::to_string(answer.error()));
      continue;
    }
    for (std::size_t i = 0; acked && i < answer->size(); ++i) {
      const storage::Appended& found = (*answer)[i];
      const storage::Appended& given = append.positions[i];
      if (!found.duplicate) {
        ++verdict.lost;
        complain("acknowledged seq " + std::to_string(given.seq) + " is gone");
      } else if (found.seq != given.seq || found.epoch != given.epoch ||
                 found.version != given.version) {
        ++verdict.out_of_order;
        complain("acknowledged seq " + std::to_string(given.seq) + " is elsewhere");
      }
    }
  }
  for (const storage::AppendRequest& request : whole_requests(options.seed | 1ull << 62, 2)) {
    const auto answer = log.append(request);
    if (answer && !answer->front().duplicate) continue;
    verdict.reopened = false;
    complain("a new append is not taken");
  }
  log.stop();
  for (const core::Lane lane : core::kLanes) {
    const LaneScan scan = scan_lane(storage::lane_folder(folder, lane));
    for (const std::string& problem : scan.problems)
      complain(std::string(core::lane_name(lane)) + ": " + problem);
    for (const auto& [id, seqs] : scan.seqs) {
      if (seqs.size() < 2) continue;
      ++verdict.doubled;
      complain("id " + id.text() + " is there twice");
    }
  }
  return verdict;
}

}  // namespace sluice::lab
