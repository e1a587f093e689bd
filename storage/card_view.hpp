// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "core/result.hpp"
#include "storage/scratch_folder.hpp"

namespace sluice::storage {

// A log that nobody writes and that must not be touched: a dead gateway's card. Even reading a
// segment whose WAL is not empty would make SQLite write beside it, so a scratch folder (in
// $TMPDIR) gets links to the sealed segments and copies of all others, at most the newest of each
// lane as a rule. Give folder() to LogReader::open. The destructor removes the scratch folder.
class CardView {
 public:
  // kNotFound: no log there; kBusy: somebody writes it; kIo: it cannot be read, or the scratch
  // folder not written.
  static core::Result<CardView> open(const std::filesystem::path& log_folder);

  const std::filesystem::path& folder() const { return scratch_.path(); }

 private:
  explicit CardView(ScratchFolder scratch) : scratch_(std::move(scratch)) {}
  ScratchFolder scratch_;
};

}  // namespace sluice::storage
