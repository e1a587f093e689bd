// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "cli/csv.hpp"
#include "cli/outgoing_event.hpp"
#include "core/hash.hpp"

namespace sluice::cli {

// What an import was asked to make of the rows.
struct ImportRows {
  std::string stream;
  std::string type;
  std::string time_column;
  std::vector<std::string> text_columns;
};

// Turns rows into events, in order. An event's id is taken from a hash chain over stream, type,
// header and all rows so far: the same file gives the same ids, two equal rows have two, and no
// other file can be taken for this one.
class EventMaker {
 public:
  // kBadRequest: a column that does not exist.
  static core::Result<EventMaker> create(const ImportRows& wish,
                                         const std::vector<std::string>& columns);
  // kBadRequest names the row's line.
  core::Result<OutgoingEvent> event_of(const CsvReader::Row& row);

 private:
  struct Column {
    std::string key;  // as JSON text, with its colon
    bool is_text = false;
  };
  ImportRows wish_;
  std::vector<Column> columns_;
  std::size_t time_ = 0;
  core::ChainHash chain_{};
};

}  // namespace sluice::cli
