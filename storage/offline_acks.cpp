// SPDX-License-Identifier: Apache-2.0
#include "storage/offline_acks.hpp"

#include <algorithm>

#include "storage/folder_lock.hpp"
#include "storage/segment_file.hpp"
#include "storage/segment_writer.hpp"

namespace sluice::storage {

using core::Errc;
using core::fail;
using core::Result;

Result<void> record_acks_offline(const std::filesystem::path& folder, core::Lane lane,
                                 const std::vector<Anchor>& anchors) {
  const auto lock = FolderLock::take(folder);
  if (!lock) return lock.error();
  auto files = list_segments(lane_folder(folder, lane));
  if (!files) return files.error();
  while (!files->empty() && never_committed(files->back().path)) files->pop_back();
  if (files->empty()) return fail(Errc::kNotFound, "there is no log in " + folder.string());
  const auto& path = files->back().path;
  auto writer = SegmentWriter::open(path, {});
  if (!writer) return writer.error();
  auto& database = writer->database();
  const auto head = load_head(database);
  if (!head) return head.error();
  const auto sealed = database.query_int("SELECT count(*) FROM meta WHERE key='sealed'");
  if (!sealed) return sealed.error();
  if (*sealed != 0)
    return fail(Errc::kUnavailable, path.string() +
                                        " is sealed: start sluiced, which begins a new "
                                        "segment, and try again");
  auto book = load_book(database, *head);
  if (!book) return book.error();
  const auto last = database.query_int("SELECT coalesce(max(seq),0) FROM event");
  if (!last) return last.error();
  const core::Seq end = std::max<core::Seq>(static_cast<core::Seq>(*last), head->first_seq - 1);
  const auto& stored = book->anchors.entries();
  const core::Seq known = stored.size() < 2 ? 0 : stored[stored.size() - 2].acked;
  const std::size_t words_known = book->anchors.words().size();
  for (const Anchor& anchor : anchors) {
    if (anchor.acked > end || anchor.seq > anchor.acked)
      return fail(Errc::kBadRequest, "an ack up to seq " + std::to_string(anchor.acked) +
                                         " of lane " + std::string(core::lane_name(lane)) +
                                         ", whose log ends at " + std::to_string(end));
    book->anchors.add(anchor, head->gateway, lane);
  }
  if (book->anchors.cursor() >= book->trim_after) book->trim_after = 0;
  SLUICE_TRY(writer->begin());
  SLUICE_TRY(update_acks(database, *book, known, words_known));
  return writer->commit();
}

}  // namespace sluice::storage
