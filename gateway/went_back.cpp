// SPDX-License-Identifier: Apache-2.0
#include "gateway/went_back.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <future>

#include "core/codec/event_codec.hpp"
#include "storage/log_reader.hpp"

namespace sluice::gateway {
namespace {

using core::Errc;
using core::fail;
using core::Result;
using core::Seq;

constexpr const char* kFile = "went-back";
constexpr std::size_t kInFlight = 128;  // less than [log] queue_events_max may be

core::Error failed(const std::string& what) {
  return fail(Errc::kIo, "cannot " + what + ": " + std::strerror(errno));
}

Result<void> sync_folder(const std::filesystem::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return failed("open " + folder.string());
  const bool synced = ::fsync(fd) == 0;
  ::close(fd);
  if (!synced) return failed("sync " + folder.string());
  return {};
}

// The seqs that the lane has of an epoch: it has ended, since another was opened.
struct Tail {
  Seq from = 1;
  Seq to = 0;
};
Result<Tail> tail_of(storage::LogReader& reader, storage::EventLog& log, core::Lane lane,
                     core::Epoch epoch) {
  const auto epochs = reader.epochs(lane);
  if (!epochs) return epochs.error();
  for (std::size_t i = 0; i + 1 < epochs->size(); ++i) {
    if ((*epochs)[i].epoch != epoch) continue;
    const auto state = log.lane_state(lane);
    return Tail{std::max({(*epochs)[i].first_seq, state.acked + 1, state.first}),
                (*epochs)[i + 1].first_seq - 1};
  }
  return Tail{};
}

Result<void> set_aside(storage::EventLog& log, core::Lane lane, const storage::SetAside& range) {
  std::promise<Result<void>> done;
  auto result = done.get_future();
  log.set_aside(lane, range, [&](Result<void> stored) { done.set_value(std::move(stored)); });
  return result.get();
}

// What a device or Sluice itself handed in; what the log made is made anew by each epoch.
std::optional<storage::AppendRequest> request_of(const core::EventView& event, core::Epoch epoch) {
  const bool reserved = event.is_reserved();
  if (reserved && (event.type == core::kTypeEpochOpened || event.type == core::kTypeGap))
    return std::nullopt;
  storage::NewEvent copy;
  copy.stream = event.stream();
  copy.type = event.type;
  copy.data = event.data;
  copy.id = event.id;
  copy.occurred_at_ns = event.occurred_at_ns;
  storage::AppendRequest request;
  request.events.push_back(std::move(copy));
  request.own = reserved;
  request.again = epoch;
  return request;
}

class Appends {
 public:
  explicit Appends(storage::EventLog& log) : log_(log) {}
  void add(storage::AppendRequest request) {
    const auto done = std::make_shared<std::promise<Result<void>>>();
    waiting_.push_back(done->get_future());
    log_.append(std::move(request), [done](Result<std::vector<storage::Appended>> answer) {
      done->set_value(answer ? Result<void>() : Result<void>(answer.error()));
    });
    if (waiting_.size() >= kInFlight) settle();
  }
  void settle() {
    for (auto& one : waiting_) {
      auto result = one.get();
      if (result)
        ++stored_;
      else if (first_error_)
        first_error_ = std::move(result);
    }
    waiting_.clear();
  }
  std::uint64_t stored() const { return stored_; }
  const Result<void>& error() const { return first_error_; }

 private:
  storage::EventLog& log_;
  std::vector<std::future<Result<void>>> waiting_;
  std::uint64_t stored_ = 0;
  Result<void> first_error_;
};

Result<void> append_again(storage::LogReader& reader, core::Lane lane, const Tail& tail,
                          core::Epoch epoch, Appends& appends) {
  for (Seq next = tail.from; next <= tail.to;) {
    const auto page = reader.read_lane(lane, next);
    if (!page) return page.error();
    if (page->empty()) break;
    for (const storage::Record& record : *page) {
      next = record.seq + 1;
      if (record.seq > tail.to) break;
      const auto event = codec::decode_event(record.body);
      if (!event) return event.error();
      if (auto request = request_of(*event, epoch)) appends.add(std::move(*request));
    }
  }
  appends.settle();
  return appends.error();
}

}  // namespace

Result<void> note_went_back(const std::filesystem::path& folder, const WentBack& what) {
  const auto path = folder / kFile;
  const auto fresh = folder / (std::string(kFile) + ".new");
  const std::string text = what.epoch.text() + "\n" + what.words + "\n";
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
  if (fd < 0) return failed("write " + fresh.string());
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       ::fsync(fd) == 0;
  ::close(fd);
  if (!written || ::rename(fresh.c_str(), path.c_str()) != 0)
    return failed("write " + path.string());
  return sync_folder(folder);
}

std::optional<WentBack> read_went_back(const std::filesystem::path& folder) {
  std::ifstream in(folder / kFile);
  std::string text;
  WentBack what;
  if (!std::getline(in, text)) return std::nullopt;
  const auto epoch = core::Epoch::parse(text);
  if (!epoch) return std::nullopt;
  what.epoch = *epoch;
  std::getline(in, what.words);
  return what;
}

Result<void> forget_went_back(const std::filesystem::path& folder) {
  if (::unlink((folder / kFile).c_str()) != 0 && errno != ENOENT)
    return failed("remove " + (folder / kFile).string());
  return sync_folder(folder);
}

Result<std::uint64_t> send_again(const std::filesystem::path& folder, const WentBack& what,
                                 storage::EventLog& log) {
  auto reader = storage::LogReader::open(folder);
  if (!reader) return reader.error();
  Appends appends(log);
  for (const core::Lane lane : core::kLanes) {
    const auto tail = tail_of(**reader, log, lane, what.epoch);
    if (!tail) return tail.error();
    if (tail->from > tail->to) continue;
    SLUICE_TRY(set_aside(log, lane, {what.epoch, tail->from, tail->to, core::GapReason::kLost}));
    SLUICE_TRY(append_again(**reader, lane, *tail, what.epoch, appends));
  }
  return appends.stored();
}

}  // namespace sluice::gateway
