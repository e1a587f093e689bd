// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/codec/chain_checker.hpp"
#include "storage/fsck.hpp"
#include "storage/lane_book.hpp"
#include "storage/salvage.hpp"
#include "storage/segment_file.hpp"
#include "storage/segment_pages.hpp"

namespace sluice::storage {

// One segment under examination: its rows as they lie in its pages, and its tables in a database
// that nothing else sees. Reads only. Belongs to fsck.
class SegmentExam {
 public:
  using Report =
      std::function<void(std::string what, core::Seq from, core::Seq to, std::string words)>;
  // kIo: the scratch folder has no room.
  static core::Result<SegmentExam> open(const SegmentFile& file,
                                        const std::filesystem::path& scratch);
  ~SegmentExam();
  SegmentExam(SegmentExam&&) = default;

  // A row whose checksum fits; ascending.
  struct Row {
    core::Seq seq = 0;
    std::string body;
  };
  std::size_t count() const { return places_.size(); }
  core::Seq seq(std::size_t at) const { return places_[at].seq; }
  std::optional<std::string> body(std::size_t at) { return pages_.body(places_[at]); }

  const std::optional<SegmentHead>& head() const { return head_; }
  const std::optional<LaneBook>& book() const { return book_; }
  const std::optional<SalvageNote>& note() const { return note_; }
  bool sealed() const { return sealed_; }

  // The tables, and each row against them; rows above `last` do not count.
  void check(core::Seq last, const Report& report);

 private:
  explicit SegmentExam(SegmentPages pages) : pages_(std::move(pages)) {}
  void load();
  void check_rows(core::Seq last, const Report& report);
  void check_ids(const std::vector<std::pair<core::Uuid, core::Seq>>& ids, const Report& report);

  SegmentPages pages_;
  std::vector<SegmentPages::Place> places_;
  std::filesystem::path path_;
  std::filesystem::path copy_;
  sqlite::Database database_;
  std::string trouble_;  // why a table could not be read
  std::optional<SegmentHead> head_;
  std::optional<LaneBook> book_;
  std::optional<SalvageNote> note_;
  bool sealed_ = false;
};

}  // namespace sluice::storage
