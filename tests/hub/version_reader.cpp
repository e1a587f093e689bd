// SPDX-License-Identifier: Apache-2.0
#include "tests/hub/version_reader.hpp"

#include <stdexcept>
#include <utility>

namespace sluice::test {

using hub::VersionId;

namespace {

constexpr const char* kEvents = R"(
[table.events]
key = { gateway = "$gateway", epoch = "$epoch", lane = "$lane", seq = "$seq" }
columns = { n = { type = "int", default = 0 }, value = "int" }
[[table.events.on]]
type = "Measured"
inc = { n = 1 }
)";

constexpr const char* kSums = R"(
[table.total]
key = { gateway = "$gateway" }
columns = { n = { type = "int", default = 0 } }
[[table.total.on]]
type = "Measured"
inc = { n = 1 }

[table.readings]
key = { gateway = "$gateway", k = { type = "int", from = ".k" } }
columns = { n = { type = "int", default = 0 }, last_value = "int" }
[[table.readings.on]]
type = "Measured"
inc = { n = 1 }
latest = { last_value = ".value" }

[view.sums]
sql = """SELECT gateway, n,
  (SELECT CAST(sum(n) AS BIGINT) FROM readings
   WHERE readings.gateway = total.gateway) AS events, )";

}  // namespace

std::string summed_model(int version, const std::string& history, bool rows) {
  const std::string number = std::to_string(version);
  return "model = \"pumps\"\nversion = " + number + "\nhistory = \"" + history +
         "\"\n[where]\ncategories = [\"pump\"]\n" + (rows ? kEvents : "") + kSums + number +
         " AS version FROM total\"\"\"\n";
}

void VersionReader::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

std::string VersionReader::wrong() const {
  const std::lock_guard lock(mutex_);
  return wrong_;
}

VersionId VersionReader::version() const {
  const std::lock_guard lock(mutex_);
  return version_;
}

void VersionReader::may_go_back() {
  const std::lock_guard lock(mutex_);
  may_go_back_ = true;
}

void VersionReader::run() {
  while (!stopping_) {
    try {
      look(hub_.get(target_));
    } catch (const std::runtime_error&) {
      ++refused_;
      was_down_ = true;
      std::this_thread::yield();
    }
  }
}

void VersionReader::look(const http::Response& answer) {
  const auto body = core::parse_json(answer.body);
  const std::lock_guard lock(mutex_);
  const auto complain = [&](const std::string& why) {
    ++wrong_answers_;
    if (wrong_.size() < 10'000) wrong_ += why + ": " + answer.body + "\n";
  };
  // After a kill the database may still be ending what the program before was at.
  if (answer.status == 503 && was_down_) {
    ++refused_;
    return;
  }
  was_down_ = false;
  if (answer.status != 200 || !body) return complain("status " + std::to_string(answer.status));
  ++answers_;
  std::string said;
  for (const auto& [name, value] : answer.headers)
    if (name == "Sluice-Model-Version") said = value;
  const auto version = VersionId::parse(said);
  if (!version) return complain("no version '" + said + "'");
  if (*version < version_ && !std::exchange(may_go_back_, false))
    complain("version " + said + " after " + version_.text());
  version_ = *version;
  const auto& rows = body->as_object().at("rows").as_array();
  if (rows.size() != 1) return complain("not one row");
  const auto& row = rows[0].as_object();
  const std::int64_t count = row.at("n").as_int64();
  if (count != row.at("events").as_int64()) complain("two instants in one answer");
  if (count < count_) complain("less than " + std::to_string(count_) + " before");
  if (row.at("version").as_int64() != version->version) complain("two versions in one answer");
  count_ = count;
}

}  // namespace sluice::test
