// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>

#include "core/json.hpp"
#include "core/logger.hpp"
#include "core/result.hpp"
#include "hub/verify/verify.hpp"
#include "hub/versions/version_book.hpp"

namespace sluice::hub {

// What came of a verification, as it is told afterwards.
struct VerifyRecord {
  std::string version;
  // When that version began to serve. One that was built anew, or came back, serves since another
  // moment: what was found before says nothing of it.
  std::int64_t serving_since_ns = 0;
  std::uint64_t sample = 0;
  std::int64_t began_ns = 0;  // wall
  std::int64_t ended_ns = 0;
  double duration_s = 0;
  std::uint64_t rows = 0;
  std::uint64_t differences = 0;
  std::uint64_t unverifiable = 0;
  core::json::object report;  // report_json()

  void set_report(const projection::Model& model, const VerifyReport& report);
  bool compared() const { return rows != 0 || unverifiable == 0; }
  bool is_of(const VersionRecord& serving) const {
    return version == serving.id.text() && serving_since_ns == serving.since_ns;
  }
};

std::string write_record(const VerifyRecord& record);
core::Result<VerifyRecord> read_record(std::string_view text);  // kCorrupt, kUnsupported

// A file per model, so that what is known to be wrong is still known after a restart. One thread at
// a time.
class VerifyShelf {
 public:
  static constexpr std::size_t kFindingsKept = 20;  // cells may be long

  explicit VerifyShelf(std::filesystem::path folder) : folder_(std::move(folder)) {}
  // Durable on return, with the first kFindingsKept findings. kIo.
  core::Result<void> keep(const std::string& model, VerifyRecord record) const;
  // By model. What cannot be read is told in the log, and is as if it had never been.
  std::map<std::string, VerifyRecord> read(core::Logger& log) const;

 private:
  const std::filesystem::path folder_;
};

}  // namespace sluice::hub
