// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "http/event_stream.hpp"
#include "hub/api/query_params.hpp"
#include "hub/api/row_match.hpp"
#include "hub/routes/task.hpp"
#include "hub/versions/model_shelf.hpp"

namespace sluice::hub {

// One client that follows a table. Each step sends what is there and fits into the client's buffer;
// commits, room in the buffer and, for what has no row changes (a view), a second's pause bring the
// next. It holds a version of the model for a step only.
class Follower final : public Task {
 public:
  static constexpr std::size_t kPageRows = 500;
  static constexpr std::chrono::milliseconds kPause{1000};  // between two readings of all rows

  // `last_id`: the id of the last event that the client has; empty: none.
  Follower(const ModelShelf& models, std::string model, RowsRequest request, std::string last_id,
           const std::shared_ptr<http::EventStream>& stream, Worker worker);

 private:
  using Clock = std::chrono::steady_clock;
  enum class Next { kMore, kIdle, kEnd };

  void step() override;
  Next advance();
  Next begin(ModelVersion& version);
  Next send_rows(ModelVersion& version);
  Next send_changes(ModelVersion& version);
  void start_over(const ModelVersion& version, const char* why);
  bool flush(http::EventStream& stream);
  void queue(std::string_view event, const std::string& data, const std::string& id = {});
  void add_batch(const projection::QueryTable& table, const ChangeBatch& batch, std::string& rows,
                 std::string& removed) const;
  Next give_up(const core::Error& error);
  static const projection::QueryTable* table_of(const ModelVersion& version,
                                                const std::string& name);

  const ModelShelf& models_;
  const std::string model_;
  RowsRequest request_;
  std::string last_id_;
  const std::weak_ptr<http::EventStream> stream_;  // the client's end keeps it, and it keeps this

  std::shared_ptr<void> listening_;
  std::string instance_;    // whose changes are followed; empty: none yet
  std::uint64_t from_ = 0;  // the next of them
  bool has_rows_ = false;   // all rows were sent; from here on changes
  std::size_t left_ = 0;    // rows that may still be sent
  std::optional<RowMatch> match_;
  std::optional<Clock::time_point> read_at_;  // when all rows were read last
  bool is_dirty_ = false;                     // they have to be read again, after the pause
  std::string waiting_;                       // for room in the client's buffer
};

}  // namespace sluice::hub
