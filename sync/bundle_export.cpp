// SPDX-License-Identifier: Apache-2.0
#include "sync/bundle_export.hpp"

#include <algorithm>

#include "sync/lane_items.hpp"

namespace sluice::sync {

namespace {

using core::Errc;
using core::fail;
using core::Result;
namespace fs = std::filesystem;

constexpr std::uint64_t kItemsPerWord = 1024;

class Exporter {
 public:
  Exporter(storage::LogReader& log, const ExportOrder& order, const core::SigningKey& key,
           const core::Clock& clock, const ExportProgress& progress)
      : log_(log), order_(order), key_(key), clock_(clock), progress_(progress) {}

  Result<ExportReport> run() {
    SLUICE_TRY(look_into_folder());
    for (const core::Lane lane : order_.lanes) SLUICE_TRY(open(lane));
    for (auto& work : work_) total_ += work.end() - work.start;
    for (auto& work : work_) SLUICE_TRY(write(work));
    return std::move(report_);
  }

 private:
  struct Work {
    core::Lane lane;
    std::unique_ptr<LaneItems> items;
    core::Seq start = 0;  // the first seq that is not in the folder yet
    core::Seq end() const { return std::max(start, items->state().last + 1); }
  };

  // Unfinished files are of no use to anybody; whole ones need not be written again.
  Result<void> look_into_folder() {
    std::error_code error;
    std::vector<fs::path> names;
    for (fs::directory_iterator at(order_.folder, error), end; !error && at != end;
         at.increment(error))
      names.push_back(at->path());
    if (error)
      return fail(Errc::kIo, "cannot list " + order_.folder.string() + ": " + error.message());
    std::sort(names.begin(), names.end());
    const std::string mine = log_.gateway().text() + "-";
    for (const auto& path : names) {
      const std::string name = path.filename().string();
      if (!name.starts_with(mine)) continue;
      if (name.ends_with(std::string(kBundleSuffix) + ".tmp")) fs::remove(path, error);
      if (!name.ends_with(kBundleSuffix)) continue;
      used_ += fs::file_size(path, error);
      auto bundle = verify_bundle(path);
      if (!bundle) {
        report_.useless.push_back(bundle.error().message);
      } else if (bundle->header.gateway != log_.gateway().text() ||
                 bundle->header.key != key_.public_key() || bundle->header.shard != order_.shard) {
        report_.useless.push_back(path.string() +
                                  ": for another shard, or signed with another key: not "
                                  "counted on; what it has is written anew");
      } else {
        there_.push_back(std::move(*bundle));
      }
    }
    return {};
  }

  Result<void> open(core::Lane lane) {
    auto items = LaneItems::open(log_, {log_.gateway().text(), order_.shard}, lane, clock_);
    if (!items) return items.error();
    Work work{lane, std::move(*items), 0};
    if (order_.from)
      work.items->start_at(*order_.from == 0 ? work.items->state().first : *order_.from);
    work.start = work.items->position();
    LaneExport& out = report_.lanes.emplace_back();
    out.lane = lane;
    if (work.start <= work.items->state().last) out.from = work.start;
    step_over_what_is_there(work);
    if (work.start > work.items->position()) {
      out.to = work.start - 1;
      work.items->start_at(work.start);
    }
    work_.push_back(std::move(work));
    return {};
  }

  void step_over_what_is_there(Work& work) {
    for (bool moved = true; moved;) {
      moved = false;
      for (const auto& bundle : there_) {
        if (bundle.header.lane != work.lane || bundle.header.from > work.start ||
            bundle.trailer.to < work.start || !is_of_this_log(bundle, *work.items))
          continue;
        work.start = bundle.trailer.to + 1;
        report_.kept.push_back(bundle.path);
        moved = true;
      }
    }
  }

  // A log that went back, or another card's, may have given the same seqs to other events.
  static bool is_of_this_log(const VerifiedBundle& bundle, const LaneItems& items) {
    return std::all_of(bundle.trailer.pieces.begin(), bundle.trailer.pieces.end(),
                       [&](const BundlePiece& piece) {
                         const core::Seq last = items.state().last;
                         return items.history().could_contain(piece.epoch, piece.from, last) &&
                                items.history().could_contain(piece.epoch, piece.to, last);
                       });
  }

  Result<void> write(Work& work) {
    LaneExport& out = report_.lanes[static_cast<std::size_t>(&work - work_.data())];
    std::unique_ptr<BundleWriter> writer;
    std::uint64_t since_word = 0;
    for (;;) {
      auto item = work.items->next();
      if (!item) return item.error();
      if (!*item) break;
      if (writer) {
        const auto added = writer->add(**item);
        if (!added) return added.error();
        if (!*added) SLUICE_TRY(finish(writer));
      }
      if (!writer) {
        const auto begun = begin(work, **item, writer);
        if (!begun) return begun.error();
        if (!*begun) {
          out.left = work.items->state().last - (*item)->from + 1;
          break;
        }
      }
      out.to = (*item)->to;
      ++((*item)->is_gap ? out.gaps : out.events);
      done_ += (*item)->to - (*item)->from + 1;
      if (progress_ && ++since_word % kItemsPerWord == 0) progress_(done_, total_);
    }
    if (writer) SLUICE_TRY(finish(writer));
    if (progress_) progress_(done_, total_);
    return {};
  }

  // A new file with its first item. False: there is no room for that.
  Result<bool> begin(const Work& work, const Item& item, std::unique_ptr<BundleWriter>& writer) {
    const std::uint64_t room = order_.bytes_max > used_ ? order_.bytes_max - used_ : 0;
    if (room < BundleWriter::kBytesMin) return false;
    BundleHeader header;
    header.gateway = log_.gateway().text();
    header.shard = order_.shard;
    header.lane = work.lane;
    header.machine = order_.machine;
    header.epochs = work.items->epochs();
    header.from = item.from;
    header.acked = work.items->state().acked;
    header.last = work.items->state().last;
    header.made_ns = clock_.wall_ns();
    header.program = SLUICE_VERSION;
    auto made = BundleWriter::create(order_.folder, std::move(header), key_,
                                     {std::min(order_.file_bytes, room), order_.level});
    if (!made) return made.error();
    const auto added = (*made)->add(item);
    if (!added) return added.error();
    if (*added) writer = std::move(*made);
    return *added;
  }

  Result<void> finish(std::unique_ptr<BundleWriter>& writer) {
    auto finished = writer->finish();
    writer.reset();
    if (!finished) return finished.error();
    used_ += finished->file_bytes;
    report_.bytes += finished->file_bytes;
    report_.files.push_back(std::move(*finished));
    return {};
  }

  storage::LogReader& log_;
  const ExportOrder& order_;
  const core::SigningKey& key_;
  const core::Clock& clock_;
  const ExportProgress& progress_;
  ExportReport report_;
  std::vector<VerifiedBundle> there_;
  std::vector<Work> work_;
  std::uint64_t used_ = 0;
  std::uint64_t done_ = 0;
  std::uint64_t total_ = 0;
};

}  // namespace

Result<ExportReport> export_bundles(storage::LogReader& log, const ExportOrder& order,
                                    const core::SigningKey& key, const core::Clock& clock,
                                    const ExportProgress& progress) {
  return Exporter(log, order, key, clock, progress).run();
}

}  // namespace sluice::sync
