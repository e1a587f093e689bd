// SPDX-License-Identifier: Apache-2.0
#include "hub/api/follower.hpp"

#include <algorithm>
#include <charconv>

#include "core/codec/json_data.hpp"
#include "core/json.hpp"
#include "hub/api/row_json.hpp"

namespace sluice::hub {

using core::Errc;
using core::fail;
using projection::Cell;
using projection::QueryColumn;
using projection::QueryTable;

namespace {

constexpr std::size_t kBatchesAtOnce = 16;

std::string id_of(const std::string& instance, std::uint64_t number) {
  return instance + "." + std::to_string(number);
}

// The number in "<instance>.<number>" of this instance.
std::optional<std::uint64_t> number_in(std::string_view id, std::string_view instance) {
  if (!id.starts_with(instance) || id.size() <= instance.size() + 1 || id[instance.size()] != '.')
    return std::nullopt;
  id.remove_prefix(instance.size() + 1);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number);
  if (error != std::errc{} || end != id.data() + id.size()) return std::nullopt;
  return number;
}

}  // namespace

Follower::Follower(const ModelShelf& models, std::string model, RowsRequest request,
                   std::string last_id, const std::shared_ptr<http::EventStream>& stream,
                   Worker worker)
    : Task(std::move(worker)),
      models_(models),
      model_(std::move(model)),
      request_(std::move(request)),
      last_id_(std::move(last_id)),
      stream_(stream) {}

const QueryTable* Follower::table_of(const ModelVersion& version, const std::string& name) {
  for (const QueryTable& table : version.tables())
    if (table.name == name) return &table;
  return nullptr;
}

void Follower::step() {
  for (;;) {
    switch (advance()) {
      case Next::kMore:
        continue;
      case Next::kIdle:
        return;
      case Next::kEnd:
        listening_.reset();
        if (const auto stream = stream_.lock()) stream->close();
        return;
    }
  }
}

Follower::Next Follower::advance() {
  const auto stream = stream_.lock();
  if (stream == nullptr || stream->closed()) return Next::kEnd;
  if (!flush(*stream)) return stream->closed() ? Next::kEnd : Next::kIdle;
  const auto version = models_.serving(model_);
  if (!version) return give_up(models_.missing(model_));
  if (version->changes().instance() != instance_) return begin(*version);
  return has_rows_ ? send_changes(*version) : send_rows(*version);
}

// Also after a switch to another version, whose tables may be others.
Follower::Next Follower::begin(ModelVersion& version) {
  const QueryTable* table = table_of(version, request_.table);
  if (table == nullptr)
    return give_up(fail(Errc::kNotFound, "the model has no table '" + request_.table + "'"));
  auto match = RowMatch::make(*table, request_.filters);
  if (!match) return give_up(match.error());
  match_ = std::move(*match);
  listening_ = version.changes().listen([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->wake();
  });
  const bool is_first = instance_.empty();
  instance_ = version.changes().instance();
  const auto number = number_in(std::exchange(last_id_, {}), instance_);
  if (is_first && number && !table->view && !version.changes().read(*number, 0).lost) {
    from_ = *number;
    has_rows_ = true;
    return Next::kMore;
  }
  start_over(version, is_first ? "begin" : "version");
  return Next::kMore;
}

void Follower::start_over(const ModelVersion& version, const char* why) {
  const std::string document = core::to_json(core::json::object{{"why", why},
                                                                {"model", model_},
                                                                {"table", request_.table},
                                                                {"version", version.id().text()}});
  queue("reset", document);
  // Before the rows are read: a change that they have already comes again, and none is missed.
  from_ = version.changes().next();
  has_rows_ = false;
  is_dirty_ = false;
  left_ = request_.limit;
  request_.cursor.clear();
  read_at_ = Clock::now();
}

Follower::Next Follower::send_rows(ModelVersion& version) {
  projection::QueryRequest request = request_;
  request.limit = std::min(left_, kPageRows);
  const auto page = version.run(request, request_.deadline);
  if (!page) return give_up(page.error());
  left_ -= page->rows.size();
  request_.cursor = page->next_cursor;
  has_rows_ = page->next_cursor.empty() || left_ == 0;
  std::string data = R"({"rows":)";
  append_rows(page->columns, page->rows, data);
  data += has_rows_ && !page->next_cursor.empty() ? R"(,"more":true})" : R"(,"more":false})";
  queue("rows", data, has_rows_ ? id_of(instance_, from_) : std::string());
  return Next::kMore;
}

Follower::Next Follower::send_changes(ModelVersion& version) {
  if (is_dirty_) {
    const auto due = *read_at_ + kPause;
    const auto now = Clock::now();
    if (now < due) {
      wake_in(std::chrono::ceil<std::chrono::milliseconds>(due - now));
      return Next::kIdle;
    }
    start_over(version, "changed");
    return Next::kMore;
  }
  const QueryTable& table = *table_of(version, request_.table);
  const auto slice = version.changes().read(from_, kBatchesAtOnce);
  if (slice.lost) {
    start_over(version, "behind");
    return Next::kMore;
  }
  if (slice.batches.empty()) return Next::kIdle;
  std::string rows;
  std::string removed;
  for (const auto& batch : slice.batches) {
    is_dirty_ |=
        table.view || batch->everything ||
        std::find(batch->touched.begin(), batch->touched.end(), table.name) != batch->touched.end();
    add_batch(table, *batch, rows, removed);
  }
  from_ = slice.next;
  if (is_dirty_ && !read_at_) read_at_ = Clock::now() - kPause;
  if (is_dirty_ || (rows.empty() && removed.empty())) return Next::kMore;
  queue("change", R"({"rows":[)" + rows + R"(],"removed":[)" + removed + "]}",
        id_of(instance_, from_));
  return Next::kMore;
}

void Follower::add_batch(const QueryTable& table, const ChangeBatch& batch, std::string& rows,
                         std::string& removed) const {
  if (table.view) return;
  for (const projection::RowChange& change : batch.rows) {
    if (change.table != table.name) continue;
    const auto verdict = match_->verdict(change.cells);
    if (verdict == RowMatch::Verdict::kNever) continue;
    const bool is_in = verdict == RowMatch::Verdict::kIn && !change.deleted;
    std::vector<QueryColumn> columns;
    std::vector<Cell> cells;
    for (std::size_t i = 0; i < change.cells.size(); ++i) {
      const QueryColumn& column = table.columns[i];
      const bool is_chosen =
          request_.fields.empty() || std::find(request_.fields.begin(), request_.fields.end(),
                                               column.name) != request_.fields.end();
      if (!column.key && (!is_in || !is_chosen)) continue;
      columns.push_back(column);
      cells.push_back(change.cells[i]);
    }
    std::string& out = is_in ? rows : removed;
    if (!out.empty()) out += ',';
    append_row(columns, cells, out);
  }
}

void Follower::queue(std::string_view event, const std::string& data, const std::string& id) {
  waiting_ += http::server_sent(event, data, id);
}

bool Follower::flush(http::EventStream& stream) {
  if (waiting_.empty()) return true;
  if (!stream.send(waiting_)) return false;
  waiting_.clear();
  return true;
}

Follower::Next Follower::give_up(const core::Error& error) {
  queue("error", core::to_json(core::error_document(error)));
  if (const auto stream = stream_.lock()) (void)flush(*stream);
  return Next::kEnd;
}

}  // namespace sluice::hub
